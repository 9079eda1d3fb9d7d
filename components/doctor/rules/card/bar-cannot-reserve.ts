import { addressIn, logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const barCannotReserve = {
  id: "bar-cannot-reserve",
  title: "The firmware's frame buffer holds the card's memory",
  looksAt: "the kernel's log, BOOTFB in /proc/iomem, the card's BARs",
  explanation:
    "The firmware drew its screen on this card, and the kernel still holds that memory (efifb, vesafb or simpledrm). vfio-pci then reports “BAR N: can't reserve”, and the guest's screen stays black.",
  remedy:
    "make another card the firmware's primary display; if that is impossible, let vfio-pci bind at boot (headless: true), or boot with initcall_blacklist=sysfb_init on kernels where it works",
  source: "harvester/pcidevices#81; siderolabs/talos#14356",
  find: (patient) => {
    const said = logLines(patient, /vfio.*BAR \d.*can't reserve/i).map((line) => ({
      subject: addressIn(line) ?? "a card",
      verdict: "fault" as const,
      found: line,
    }));
    const frame = patient.survey.bootFramebuffer;
    const held = patient.given.filter((card) =>
      card.functions.some((device) => device.address === frame?.card),
    );
    if (said.length > 0) return said;
    return held.map((card) => ({
      subject: `${card.domain.name}: card ${card.slot}`,
      verdict: "fault" as const,
      found: `${frame?.name} lies in a BAR of ${frame?.card}`,
    }));
  },
} as const satisfies Rule;
