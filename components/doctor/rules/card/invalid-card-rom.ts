import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const invalidCardRom = {
  id: "invalid-card-rom",
  title: "The card's own ROM cannot be read",
  looksAt: "the kernel's log",
  explanation:
    "vfio-pci reads the ROM from the card when a guest starts without a ROM file. All ones instead of the signature 55 AA have three possible causes: the card sleeps, its ROM was overwritten because it is the boot display, or it has no ROM (processors' GPUs).",
  remedy: "give the domain a ROM file; vfio-fleet rom show checks one",
  source: "Linux: drivers/pci/rom.c, “Invalid PCI ROM header signature”",
  needs: ["kernelLog"],
  find: (patient) =>
    logLines(patient, /Invalid PCI ROM (header|data) signature/i).map((line) => ({
      subject: addressIn(line) ?? "a card",
      verdict: "risk" as const,
      found: line,
    })),
} as const satisfies Rule;
