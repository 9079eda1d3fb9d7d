import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const rmrr = {
  id: "rmrr",
  title: "The firmware reserves memory for the device",
  looksAt: "the kernel's log",
  explanation:
    "Some servers' firmware shares reserved memory with a device for management (RMRR). The kernel does not hand such a device over: “Device is ineligible for IOMMU domain attach due to platform RMRR requirement”.",
  remedy:
    "find the firmware setting that releases the slot (HPE: conrep or the shared-memory setting), or use another slot",
  source: "Linux: drivers/iommu/intel/iommu.c, device_is_rmrr_locked; Intel VT-d specification, 8.4",
  needs: ["kernelLog"],
  find: (patient) =>
    logLines(patient, /ineligible for IOMMU domain attach/i).map((line) => ({
      subject: addressIn(line) ?? "a device",
      verdict: "fault" as const,
      found: line,
    })),
} as const satisfies Rule;
