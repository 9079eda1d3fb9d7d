import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const rmrr = {
  id: "rmrr",
  title: "The firmware keeps a hold on the device's memory",
  looksAt: "the kernel's log",
  explanation:
    "Some servers' firmware reserves memory that a device shares with it (RMRR), for management. The kernel does not hand such a device over: “Device is ineligible for IOMMU domain attach due to platform RMRR requirement”.",
  remedy:
    "look for the firmware setting that releases the slot (HPE: conrep or the shared-memory setting), or use another slot",
  source: "Linux: drivers/iommu/intel/iommu.c, device_is_rmrr_locked; Intel VT-d specification, 8.4",
  needs: ["kernelLog"],
  find: (patient) =>
    logLines(patient, /ineligible for IOMMU domain attach/i).map((line) => ({
      subject: addressIn(line) ?? "a device",
      verdict: "fault" as const,
      found: line,
    })),
} as const satisfies Rule;
