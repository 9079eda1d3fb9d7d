import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const noEfiRom = {
  id: "no-efi-rom",
  title: "The guest's firmware cannot use the ROM file",
  looksAt: "the images in the ROM files of domains (components/option-rom)",
  explanation:
    "OVMF starts only EFI images (code type 3), and SeaBIOS starts only x86 images. Without a matching image the guest's screen stays dark until its driver runs, and with many cards even then.",
  remedy:
    "check the file with vfio-fleet rom show; vfio-fleet rom patch cuts extra headers off; a newer ROM of the card may have an EFI image",
  source: "PCI Firmware Specification 3.3, 5; UEFI Specification 2.10, 14.4.2",
  needs: ["roms"],
  find: ({ given, survey }) =>
    given.flatMap((card) =>
      card.hostdevs.flatMap(({ romFile }) => {
        const rom = survey.roms?.find(({ path }) => path === romFile);
        const verdict = card.domain.uefi ? rom?.ovmf : rom?.seabios;
        if (!rom || verdict === "usable" || verdict === undefined) return [];
        return [
          {
            subject: subjectOf(card),
            verdict: "fault" as const,
            found: `${rom.path}: ${
              verdict === "needs-patch"
                ? "usable only once it is patched"
                : (rom.problems[0] ?? `not usable for ${card.domain.uefi ? "OVMF" : "SeaBIOS"}`)
            }`,
            ...(verdict === "needs-patch" && {
              remedy: `vfio-fleet rom patch ${rom.path} NEW, and name NEW in the domain`,
            }),
          },
        ];
      }),
    ),
} as const satisfies Rule;
