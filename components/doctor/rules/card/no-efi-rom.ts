import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const noEfiRom = {
  id: "no-efi-rom",
  title: "The ROM file is not fit for the guest's firmware",
  looksAt: "the images in the ROM files of domains (components/option-rom)",
  explanation:
    "OVMF starts EFI images (code type 3) only, SeaBIOS x86 images only. Without a fitting one the guest's screen stays dark until its driver runs, and for many cards also after.",
  remedy:
    "vfio-fleet rom show FILE says what is in it; rom patch cuts what some dumps carry in front; a newer video BIOS of the card brings an EFI image",
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
