import type { Rule } from "../../rule.ts";

export const proxmoxGuestFirmware = {
  id: "proxmox-guest-firmware",
  title: "A Proxmox guest with a card uses SeaBIOS",
  looksAt: "bios and hostpci of Proxmox guests",
  explanation:
    "SeaBIOS is Proxmox's default. The ROMs of modern cards are written for UEFI, SeaBIOS has no room for large BARs, and disable_vga hides the legacy VGA addresses. The screen stays dark, and Windows shows Code 43 or Code 12.",
  remedy:
    "use bios: ovmf with an EFI disk and machine: q35; Windows has to be installed again or converted (mbr2gpt)",
  source: "Proxmox VE: PCI(e) Passthrough; isc30/ryzen-gpu-passthrough-proxmox#91",
  find: ({ survey }) =>
    (survey.proxmox ?? [])
      .filter((guest) => guest.hostpci.length > 0 && guest.bios !== "ovmf")
      .map((guest) => ({
        subject: `${guest.name} (${guest.id})`,
        verdict: "risk" as const,
        found: `${guest.hostpci.join(", ")} in a guest with ${guest.bios}`,
      })),
} as const satisfies Rule;
