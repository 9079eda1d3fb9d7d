import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const code43ShadowedRom = {
  id: "code-43-shadowed-rom",
  title: "The domain has the boot display without a ROM file",
  looksAt: "the boot display among the cards of domains, their <rom> elements",
  explanation:
    "The firmware has already run the ROM of the boot display, so reading the card returns an altered copy. With that copy the guest shows nothing, or its driver shows Code 43.",
  remedy:
    "give the domain a clean ROM file: dump it while another card is the boot display, check it with vfio-fleet rom show, and name it in the domain",
  source: "docs of QEMU: vfio-pci, romfile; rom-parser#5",
  find: ({ given }) =>
    given
      .filter((card) => card.display?.bootVga === true && card.display.hasRom)
      .filter((card) => !card.hostdevs.some((hostdev) => hostdev.romFile !== undefined))
      .map((card) => ({
        subject: subjectOf(card),
        verdict: "risk" as const,
        found: `${card.display?.address} is the host's boot display and has no ROM file in the domain`,
      })),
} as const satisfies Rule;
