import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const pcieErrors = {
  id: "pcie-errors",
  title: "Errors on the PCI Express link of a card",
  looksAt: "AER messages in the kernel's log, for cards and the bridges above them",
  explanation:
    "The link reports data that it repeated (corrected errors) or lost (uncorrected errors). Usual causes are risers, long cables, a badly seated card and the link's power saving. The guest freezes, or the card falls off the bus.",
  remedy:
    "reseat the card, try it without a riser, set the slot to a lower speed in the firmware, or boot with pcie_aspm=off",
  source: "Linux: Documentation/PCI/pcieaer-howto.rst",
  needs: ["kernelLog"],
  find: (patient) => {
    const near = new Map<string, string>();
    for (const card of patient.cards)
      for (const device of card.functions)
        for (const address of [device.address, ...device.parents]) near.set(address, card.address);
    // Every port with AER logs "AER: enabled with IRQ" at start, which is no error.
    const lines = logLines(patient, /AER: (?!enabled)|PCIe Bus Error|fallen off the bus/);
    const cards = new Map<string, string[]>();
    for (const line of lines) {
      // The last address in the line is the source of the error.
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
