import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const romOfAnotherCard = {
  id: "rom-of-another-card",
  title: "The ROM file belongs to another card",
  looksAt: "the ids in the ROM files of domains, compared with the cards in the domains",
  explanation:
    "A ROM is written for one model, and often for one maker's board. The ROM of another model sets wrong clocks and memory. The guest's firmware mostly refuses it, because the ids in its header do not match.",
  remedy: "use a dump of this card's own ROM",
  source: "PCI Firmware Specification 3.3, 5.1.2",
  needs: ["roms"],
  find: ({ given, survey }) =>
    given.flatMap((card) =>
      card.hostdevs.flatMap(({ romFile, address }) => {
        const rom = survey.roms?.find(({ path }) => path === romFile);
        const device = card.functions.find((one) => one.address === address);
        return !rom || !device || rom.ids.length === 0 || rom.ids.includes(device.id)
          ? []
          : [
              {
                subject: subjectOf(card),
                verdict: "fault" as const,
                found: `${rom.path} is for ${rom.ids.join(", ")}, the card is ${device.id}`,
              },
            ];
      }),
    ),
} as const satisfies Rule;
