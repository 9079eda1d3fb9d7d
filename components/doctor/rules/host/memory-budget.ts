import type { Rule } from "../../rule.ts";

export const memoryBudget = {
  id: "memory-budget",
  title: "Not enough memory to start a domain with a card",
  looksAt: "memory of stopped domains, available memory",
  explanation:
    "A device may write to any page of its guest at any time, so VFIO pins all of the guest's memory at the start. It cannot be swapped, shared or ballooned. If memory is short, QEMU ends with “VFIO_MAP_DMA failed: Cannot allocate memory”.",
  remedy: "stop another guest, give the domain less memory, or reserve huge pages for it",
  source: "Linux: Documentation/driver-api/vfio.rst, VFIO_IOMMU_MAP_DMA",
  find: ({ domains, survey }) =>
    domains
      .filter(
        (domain) =>
          !domain.running &&
          domain.hostdevs.length > 0 &&
          domain.hugePageKiB === undefined &&
          domain.memoryKiB > survey.memory.availableKiB,
      )
      .map((domain) => ({
        subject: domain.name,
        verdict: "fault" as const,
        found: `it needs ${Math.ceil(domain.memoryKiB / 1024)} MiB, but ${Math.floor(survey.memory.availableKiB / 1024)} MiB are available`,
      })),
} as const satisfies Rule;
