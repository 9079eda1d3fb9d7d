import { iommuState } from "../../../plan/kernel/iommu-state.ts";
import type { Rule } from "../../rule.ts";

export const iommuOff = {
  id: "iommu-off",
  title: "The IOMMU is off",
  looksAt: "IOMMU units and groups, the firmware's DMAR and IVRS tables",
  explanation:
    "Without an IOMMU a device could write anywhere in the host's memory, so VFIO hands no device to a guest. The kernel uses an IOMMU only if the firmware announces it; on Intel the command line often has to enable it.",
  remedy:
    "enable VT-d or AMD-Vi in the firmware's setup; on Intel boot with intel_iommu=on (vfio-fleet writes it)",
  source: "Linux: Documentation/driver-api/vfio.rst; admin-guide/kernel-parameters.txt, intel_iommu",
  find: ({ facts, domains }) => {
    const { state } = iommuState(facts);
    if (state === "on") return [];
    const wanted = domains.some((domain) => domain.hostdevs.length > 0);
    return [
      {
        subject: "IOMMU",
        verdict: wanted ? "fault" : "risk",
        found:
          state === "off"
            ? "the firmware offers an IOMMU, but the kernel has not enabled it"
            : "the firmware announces no IOMMU: there is no DMAR or IVRS table and no group",
      },
    ];
  },
} as const satisfies Rule;
