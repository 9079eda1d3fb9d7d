import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const blackVnc = {
  id: "black-vnc",
  title: "VNC goes dark once the guest's GPU driver runs",
  looksAt: "running domains with both a card and an emulated screen",
  explanation:
    "The emulated VGA shows firmware, setup and desktop until the card's driver is installed. Windows then uses the card as its screen, and the emulated screen goes dark. This is normal: the picture is on the card's connector.",
  remedy:
    "connect a monitor (or a dummy plug) to the card, or use a remote desktop inside the guest; keep VNC for the firmware",
  source: "vfio.blogspot.com, VFIO+VGA FAQ; libvirt: Domain XML format, video devices",
  find: ({ given }) =>
    given
      .filter(
        ({ domain, display }) =>
          display &&
          domain.running &&
          domain.graphics.length > 0 &&
          domain.videos.some((model) => model !== "none"),
      )
      .map((card) => ({
        subject: subjectOf(card),
        verdict: "expected" as const,
        found: `${card.domain.graphics.join(", ")} shows the emulated screen, not the card's`,
      })),
} as const satisfies Rule;
