import { isNvidia, subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const code43Laptop = {
  id: "code-43-laptop",
  title: "Code 43 with a laptop's GPU",
  looksAt: "NVIDIA cards without a display connector or a ROM of their own, the machine's chassis",
  explanation:
    "A laptop's second GPU mostly has no connector (class 0302), and its ROM is part of the machine's firmware. NVIDIA's mobile driver also expects a battery. A guest has none of these, so the driver shows Code 43.",
  remedy:
    "give the domain the GPU's ROM as a file, extracted from the firmware, and an ACPI table with a battery; the only screen will be a remote desktop",
  source: "T-vK/MobilePassThrough; jscinoz/optimus-vfio-docs",
  find: ({ given, survey }) =>
    given
      .filter((card) => isNvidia(card.display))
      .filter(
        (card) =>
          survey.machine.laptop === true &&
          (card.display?.class.startsWith("0302") === true || card.display?.hasRom === false),
      )
      .filter((card) => !card.hostdevs.some((hostdev) => hostdev.romFile !== undefined))
      .map((card) => ({
        subject: subjectOf(card),
        verdict: "risk" as const,
        found: "a laptop's GPU without a ROM file in the domain",
      })),
} as const satisfies Rule;
