import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const pcieErrors = {
  id: "pcie-errors",
  title: "Errors on the PCI Express link of a card",
  looksAt: "AER messages in the kernel's log, for cards and the bridges above them",
  explanation:
    "The link reports what it had to repeat (corrected) or lost (uncorrected). Risers, long cables, a card not well seated and power saving of the link are the usual causes; a guest sees freezes or a card that fell off the bus.",
  remedy:
    "seat the card anew, try it without a riser, set the slot to a lower speed in the firmware, or boot with pcie_aspm=off",
  source: "Linux: Documentation/PCI/pcieaer-howto.rst",
  needs: ["kernelLog"],
  find: (patient) => {
    const near = new Map<string, string>();
    for (const card of patient.cards)
      for (const device of card.functions)
        for (const address of [device.address, ...device.parents]) near.set(address, card.address);
    // every port with the service says "AER: enabled with IRQ" as it starts
    const lines = logLines(patient, /AER: (?!enabled)|PCIe Bus Error|fallen off the bus/);
    const cards = new Map<string, string[]>();
    for (const line of lines) {
      // the last address in the line is the one that the error came from
      const at = (line.match(/[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]/g) ?? [])
        .map((one) => near.get(one))
        .findLast(Boolean);
      const subject = at ?? near.get(addressIn(line) ?? "");
      if (subject !== undefined) cards.set(subject, [...(cards.get(subject) ?? []), line]);
    }
    return [...cards].map(([subject, said]) => ({
      subject,
      verdict: said.some((line) => /uncorrect|fatal|fallen off/i.test(line))
        ? ("fault" as const)
        : ("risk" as const),
      found: said.at(-1) ?? "",
    }));
  },
} as const satisfies Rule;
