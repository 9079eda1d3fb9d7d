import { resetFindings } from "../../../plan/cards/reset.ts";
import { addressIn, logLines, subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const resetBug = {
  id: "reset-bug",
  title: "The card does not come back from a reset",
  looksAt: "reset methods, AMD families that are known for it, the kernel's log",
  explanation:
    "Between two guests the card has to be reset. Some have no way to do it, and some that have one hang: the first start works, the second does not, or takes the host with it.",
  remedy:
    "for AMD's Polaris, Vega and Navi 1x install vendor-reset; otherwise reboot the host between two guests",
  source: "gnif/vendor-reset#107; NVIDIA/open-gpu-kernel-modules#853",
  find: (patient) => [
    ...logLines(patient, /not ready \d+ms after|giving up|reset.*(failed|timed out)/i)
      .filter((line) => /vfio|not ready/i.test(line) && addressIn(line) !== undefined)
      .map((line) => ({ subject: addressIn(line) ?? "", verdict: "fault" as const, found: line })),
    ...patient.given
      .filter((card) => card.display)
      .flatMap((card) =>
        resetFindings(patient.facts, card.functions)
          // an audio function goes with the slot's reset
          .filter(({ problem }) => problem.includes(card.display?.address ?? "-"))
          .map(({ problem, remedy }) => ({
            subject: subjectOf(card),
            verdict: "risk" as const,
            found: problem,
            remedy,
          })),
      ),
  ],
} as const satisfies Rule;
