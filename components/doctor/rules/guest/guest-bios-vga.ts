import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const guestBiosVga = {
  id: "guest-bios-vga",
  title: "A guest with a BIOS has a card whose VGA is switched off",
  looksAt: "vfio-pci's disable_vga, the firmware of domains with cards",
  explanation:
    "disable_vga=1 hides the legacy VGA addresses from guests. OVMF does not use them, but SeaBIOS needs them to draw, so its screen stays dark.",
  remedy: "use OVMF in the domain, or set kernel.disableVga: false",
  source: "Linux: drivers/vfio/pci/vfio_pci.c, disable_vga",
  find: ({ facts, given }) =>
    facts.moduleParameters["vfio_pci"]?.["disable_vga"] !== "Y"
      ? []
      : given
          .filter((card) => card.display?.class.startsWith("0300") === true && !card.domain.uefi)
          .map((card) => ({
            subject: subjectOf(card),
            verdict: "fault" as const,
            found: "the firmware is SeaBIOS, but vfio-pci has disable_vga=Y",
          })),
} as const satisfies Rule;
