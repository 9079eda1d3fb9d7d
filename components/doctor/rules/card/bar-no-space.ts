import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const barNoSpace = {
  id: "bar-no-space",
  title: "The host has no room for a card's memory",
  looksAt: "the kernel's log",
  explanation:
    "The firmware assigned no addresses to the card's BARs, mostly because they are large and have to lie above 4 GiB. Without its BARs neither the host nor a guest can use the card.",
  remedy:
    "enable “Above 4G decoding” in the firmware's setup (and disable Resizable BAR if the message stays); if that does not help, try pci=realloc on the kernel command line",
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
