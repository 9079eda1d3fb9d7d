import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const functionLeftBehind = {
  id: "function-left-behind",
  title: "The domain has only some of the card's functions",
  looksAt: "the functions of each card in a domain, compared with those of its slot",
  explanation:
    "A graphics card has several PCI functions: the GPU, HDMI audio, and often USB and USB-C. They share one reset and mostly one IOMMU group. With only some of them, the card may not reset, or the guest may not start.",
  remedy: "put every function of the slot into the domain",
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
