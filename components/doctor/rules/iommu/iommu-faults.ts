import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const iommuFaults = {
  id: "iommu-faults",
  title: "The IOMMU has blocked a device",
  looksAt: "the kernel's log",
  explanation:
    "A device accessed an address that is not mapped for it. A burst when a guest stops is common and harmless. A flood while it runs has one of three causes: a card that was not reset, a driver bug, or a card split between guests.",
  remedy:
    "give all functions of the card to one guest, restart the guest, and check whether the messages continue",
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
            found: `${lines.length === 1 ? "1 fault" : `${lines.length} faults`}, the last: ${last}`,
          },
        ];
  },
} as const satisfies Rule;
