import { parseCmdline } from "../../../facts/cmdline.ts";
import type { Rule } from "../../rule.ts";

export const acsOverrideIgnored = {
  id: "acs-override-ignored",
  title: "pcie_acs_override is set",
  looksAt: "the kernel command line, the kernel's name and log",
  explanation:
    "The argument belongs to a patch that is not part of Linux (Proxmox and the zen kernels carry it). A kernel without the patch ignores the argument. With it, devices only seem to be apart: they can still reach each other's memory.",
  remedy:
    "remove the argument and use a slot with an IOMMU group of its own; keep it only if you accept that the guest can reach the other devices",
  source: "Linux: drivers/pci/quirks.c (no such parameter); Proxmox VE: PCI Passthrough",
  find: ({ facts, survey }) => {
    const set = parseCmdline(facts.cmdline).find((argument) => argument.startsWith("pcie_acs_override="));
    if (set === undefined) return [];
    const has =
      /pve|zen|cachyos|xanmod|liquorix|lqx|bazzite|fsync/i.test(facts.kernel) ||
      survey.kernelLog?.boot.some((line) => line.includes("Downstream ACS override"));
    return [
      {
        subject: set,
        verdict: "risk" as const,
        found: has
          ? "the IOMMU groups are finer than the hardware's isolation"
          : `Linux ${facts.kernel} does not know it, so it changes nothing`,
      },
    ];
  },
} as const satisfies Rule;
