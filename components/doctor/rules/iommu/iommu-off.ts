import { iommuState } from "../../../plan/kernel/iommu-state.ts";
import type { Rule } from "../../rule.ts";

export const iommuOff = {
  id: "iommu-off",
  title: "The IOMMU is off",
  looksAt: "IOMMU units and groups, the firmware's DMAR and IVRS tables",
  explanation:
    "Without an IOMMU a device could write anywhere in the host's memory, so VFIO hands none to a guest. The kernel uses it only when the firmware announces it, on Intel often only when the command line asks.",
  remedy:
    "switch VT-d or AMD-Vi on in the firmware's set-up; on Intel boot with intel_iommu=on (vfio-fleet writes it)",
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
            ? "the firmware offers an IOMMU and the kernel has not switched it on"
            : "the firmware announces no IOMMU: no DMAR or IVRS table, no groups",
      },
    ];
  },
} as const satisfies Rule;
