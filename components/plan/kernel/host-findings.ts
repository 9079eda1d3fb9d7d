import type { Facts } from "../../facts/facts.ts";
import { iommuActive } from "../../facts/iommu.ts";
import type { Problem } from "../../facts/problem.ts";
import { isOlder } from "../version.ts";

const OLDEST = "4.1";

/** A kernel without VFIO as it is needed here. */
export const kernelProblems = (facts: Facts): Problem[] => {
  if (!isOlder(facts.kernel, OLDEST)) return [];
  return [
    {
      path: "kernel",
      problem: `the host runs Linux ${facts.kernel}, VFIO passthrough needs ${OLDEST} or newer`,
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

const MIB = 1024 * 1024;

/**
 * Room for a trial's initramfs: it lies beside the one that boots now, and is about as large. A small /boot that is full of
 * old kernels is what fails most often when one is built.
 */
export const bootRoomProblems = (facts: Facts): Problem[] => {
  const { freeBytes } = facts.boot;
  const sizes = facts.initramfs.images.flatMap((image) => {
    const [, path = "", bytes] = /^(.*):(\d+):\d+$/.exec(image) ?? [];
    return bytes === undefined ? [] : [{ path, bytes: Number(bytes) }];
  });
  const current = sizes.find(({ path }) => path.endsWith(`-${facts.kernel}`));
  if (freeBytes === undefined || !current || freeBytes >= current.bytes + MIB) return [];
  return [
    {
      path: "/boot",
      problem:
        `${Math.floor(freeBytes / MIB)} MiB are free, and the trial's initramfs needs about ` +
        `${Math.ceil((current.bytes + MIB) / MIB)} MiB beside ${current.path}`,
      remedy: "remove kernels that are not needed (Debian: apt autoremove --purge)",
    },
  ];
};
