import { iommuActive } from "../../../facts/iommu.ts";
import { isDisplay } from "../../../facts/pci.ts";
import type { Rule } from "../../rule.ts";

export const intelGpuLeftOut = {
  id: "intel-gpu-left-out",
  title: "The processor's own GPU is outside the IOMMU",
  looksAt: "IOMMU groups of Intel's integrated graphics",
  explanation:
    "Debian's kernel enables VT-d by default, but leaves integrated graphics out (intel_iommu=on,intgpu_off). They have no IOMMU group then, and cannot be handed to a guest. All other devices have groups.",
  remedy: "boot with an explicit intel_iommu=on; vfio-fleet writes it",
  source:
    "Debian: CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF; Linux: admin-guide/kernel-parameters.txt, intel_iommu",
  find: ({ facts }) =>
    !iommuActive(facts)
      ? []
      : facts.pci
          .filter(
            (device) =>
              isDisplay(device) &&
              device.id.startsWith("8086:") &&
              device.address.startsWith("0000:00:") &&
              device.iommuGroup === null,
          )
          .map((device) => ({
            subject: device.address,
            verdict: "risk" as const,
            found: "Intel's integrated graphics have no IOMMU group, although the IOMMU is on",
          })),
} as const satisfies Rule;
