import type { Facts } from "./facts.ts";
import { iommuActive } from "./iommu.ts";
import type { Problem } from "./problem.ts";

const OLDEST = [4, 1] as const;

/** A kernel without VFIO as it is needed here. */
export const kernelProblems = (facts: Facts): Problem[] => {
  const [major = 0, minor = 0] = facts.kernel.split(/[.-]/).map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return [];
  return [
    {
      path: "kernel",
      problem: `the host runs Linux ${facts.kernel}, VFIO passthrough needs ${OLDEST.join(".")} or newer`,
      remedy: "upgrade the host's kernel",
    },
  ];
};

/** The firmware's tables that announce an IOMMU: DMAR (Intel), IVRS (AMD). */
export const iommuTables = (facts: Facts): string[] =>
  facts.exists.flatMap((path) => /\/(DMAR|IVRS)$/.exec(path)?.[1] ?? []);

/**
 * An IOMMU that is switched off in the firmware shows neither units nor ACPI tables. A host whose kernel has merely
 * not switched it on yet cannot be told apart by groups, so the tables decide.
 */
export const iommuProblems = (facts: Facts): Problem[] =>
  iommuActive(facts) || iommuTables(facts).length > 0
    ? []
    : [
        {
          path: "IOMMU",
          problem:
            "the firmware offers none: no DMAR (Intel VT-d) or IVRS (AMD-Vi) table, and no IOMMU groups",
          remedy:
            "switch VT-d or AMD-Vi (IOMMU) on in the firmware's set-up; some boards hide it under CPU or chipset",
        },
      ];
