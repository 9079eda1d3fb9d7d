import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const barNoSpace = {
  id: "bar-no-space",
  title: "The host has no room for a card's memory",
  looksAt: "the kernel's log",
  explanation:
    "The firmware gave the card's BARs no addresses, mostly because they are large and have to lie above 4 GiB. A card without its BARs is no use to the host or to a guest.",
  remedy:
    "switch “Above 4G decoding” on (and Resizable BAR off, if it stays) in the firmware's set-up; else try pci=realloc on the command line",
  source: "Linux: drivers/pci/setup-bus.c, “no space for”, “failed to assign”",
  needs: ["kernelLog"],
  find: (patient) => {
    const cards = new Set<string>(
      patient.cards.flatMap((card) => card.functions.map((device) => device.address)),
    );
    return logLines(patient, /BAR \d.*(no space for|failed to assign|can't assign)/i)
      .filter((line) => cards.has(addressIn(line) ?? ""))
      .map((line) => ({ subject: addressIn(line) ?? "a card", verdict: "fault" as const, found: line }));
  },
} as const satisfies Rule;
