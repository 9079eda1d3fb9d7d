import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const guestBiosVga = {
  id: "guest-bios-vga",
  title: "A guest with a BIOS gets a card whose VGA is switched off",
  looksAt: "vfio-pci's disable_vga, the firmware of domains with cards",
  explanation:
    "disable_vga=1 keeps the old VGA addresses away from guests. OVMF does not use them; SeaBIOS can drive a screen through nothing else, so it stays dark.",
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
            found: "SeaBIOS, and vfio-pci has disable_vga=Y",
          })),
} as const satisfies Rule;
