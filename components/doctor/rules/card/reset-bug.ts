import { resetFindings } from "../../../plan/cards/reset.ts";
import { addressIn, logLines, subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const resetBug = {
  id: "reset-bug",
  title: "The card does not recover from a reset",
  looksAt: "reset methods, AMD families with known reset bugs, the kernel's log",
  explanation:
    "The card has to be reset between two guests. Some cards cannot, and some hang during the reset. The first start works; the second fails, or takes the host down.",
  remedy:
    "install vendor-reset for AMD's Polaris, Vega and Navi 1x; for other cards reboot the host between two guests",
  source: "gnif/vendor-reset#107; NVIDIA/open-gpu-kernel-modules#853",
  find: (patient) => [
    ...logLines(patient, /not ready \d+ms after|giving up|reset.*(failed|timed out)/i)
      .filter((line) => /vfio|not ready/i.test(line) && addressIn(line) !== undefined)
      .map((line) => ({ subject: addressIn(line) ?? "", verdict: "fault" as const, found: line })),
    ...patient.given
      .filter((card) => card.display)
      .flatMap((card) =>
        resetFindings(patient.facts, card.functions)
          // An audio function is reset with its slot.
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
