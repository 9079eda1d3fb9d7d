import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const iommuFaults = {
  id: "iommu-faults",
  title: "The IOMMU has stopped a device",
  looksAt: "the kernel's log",
  explanation:
    "A device wrote or read where nothing is mapped for it. A burst when a guest stops is common and harmless; a flood while it runs points to a device that was not reset, a driver bug, or a card whose functions are in different guests.",
  remedy:
    "give all functions of the card to one guest, start the guest anew, and look whether the messages go on",
  source: "Linux: Documentation/arch/x86/iommu.rst, “fault reporting”",
  needs: ["kernelLog"],
  find: (patient) => {
    const lines = logLines(patient, /DMAR:.*fault|IO_PAGE_FAULT|AMD-Vi: Event logged/i);
    const [last] = lines.slice(-1);
    return last === undefined
      ? []
      : [
          {
            subject: addressIn(last) ?? "a device",
            verdict: "risk" as const,
            found: `${lines.length} of them, the last: ${last}`,
          },
        ];
  },
} as const satisfies Rule;
