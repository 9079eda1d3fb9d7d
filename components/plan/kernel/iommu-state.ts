import { parseCmdline } from "../../facts/cmdline.ts";
import type { Facts } from "../../facts/facts.ts";
import { iommuTables } from "./host-findings.ts";
import { iommuActive } from "../../facts/iommu.ts";

/**
 * - `on`: units and groups are there
 * - `off`: the firmware offers an IOMMU, the kernel does not use it
 * - `not-offered`: neither; it is switched off in the firmware's set-up, or the board has none
 */
export type IommuState = "on" | "off" | "not-offered";

/** The state with what shows it: what is visible, the firmware's tables, the command line, the kernel's own words. */
export const iommuState = (
  facts: Facts,
): { readonly state: IommuState; readonly proof: readonly string[] } => {
  const tables = iommuTables(facts);
  const args = parseCmdline(facts.cmdline).filter((argument) =>
    /^(intel_iommu|amd_iommu|iommu(\.\w+)?|pcie_acs_override|vfio)/.test(argument),
  );
  const said = facts.survey?.kernelLog?.boot
    .filter((line) =>
      /IOMMU enabled|Found IOMMU|Interrupt remapping|remapping enabled|IOMMU performance/i.test(line),
    )
    .map((line) => line.replace(/^\[ *[\d.]+\] */, ""));
  return {
    state: iommuActive(facts) ? "on" : tables.length > 0 ? "off" : "not-offered",
    proof: [
      `${facts.iommu.groups} groups, units ${facts.iommu.units.join(" ") || "none"}`,
      `firmware table ${tables.join(" ") || "none"}`,
      `command line ${args.join(" ") || "says nothing of it"}`,
      ...[...new Set(said)].slice(0, 3).map((line) => `kernel: ${line}`),
    ],
  };
};
