import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const guestSlots = {
  id: "guest-slots",
  title: "In the guest the card's functions are on different slots",
  looksAt: "guest addresses of a card's functions, the machine type",
  explanation:
    "The driver looks for the audio function on the GPU's slot, as on a real card. With separate slots most drivers work, but some find no sound or misread the card's power states.",
  remedy:
    "put all functions on one guest slot, function 0 with multifunction='on'; on q35 use a root port for each card",
  source: "libvirt: Domain XML format, device addresses, multifunction",
  find: ({ given }) =>
    given
      .filter((card) => card.display)
      .filter((card) => {
        const slots = card.hostdevs.flatMap(({ guestSlot }) => guestSlot ?? []);
        return slots.length > 1 && new Set(slots).size > 1;
      })
      .map((card) => ({
        subject: subjectOf(card),
        verdict: "risk" as const,
        found: `its functions are at ${card.hostdevs.map(({ guestSlot }) => guestSlot ?? "?").join(", ")} in the guest`,
      })),
} as const satisfies Rule;
