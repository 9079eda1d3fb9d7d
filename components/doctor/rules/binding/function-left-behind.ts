import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const functionLeftBehind = {
  id: "function-left-behind",
  title: "Only a part of the card is in the domain",
  looksAt: "the functions of each card in a domain, against all that the card has",
  explanation:
    "A graphics card is several PCI functions: the GPU, its HDMI audio, on many also USB and USB-C. They share one reset and mostly one IOMMU group; a guest that gets only some sees a card that does not reset, or does not start at all.",
  remedy: "put every function of the card into the domain",
  source: "uwzis/GPU-Passthrough-Manager#21; kubevirt/kubevirt#6718",
  find: ({ given }) =>
    given
      .filter((card) => card.display && card.left.length > 0)
      .filter((card) => card.left.some((device) => device.iommuGroup === card.display?.iommuGroup))
      .map((card) => ({
        subject: subjectOf(card),
        verdict: "risk" as const,
        found: `left out: ${card.left.map((device) => `${device.address} (${device.id}, driver ${device.driver ?? "none"})`).join(", ")}`,
      })),
} as const satisfies Rule;
