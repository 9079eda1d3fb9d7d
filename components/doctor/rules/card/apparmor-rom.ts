import { APPARMOR_LOCAL, isReadableRom } from "../../../plan/libvirt/apparmor.ts";
import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

const allowedLocally = (path: string, profile: string): boolean =>
  profile.split("\n").some((line) => {
    const pattern = /^\s*"?(\/[^\s"]+)"?\s+r/.exec(line)?.[1];
    if (pattern === undefined) return false;
    const folder = pattern.replace(/\*.*$/, "");
    return pattern === path || (pattern.includes("*") && path.startsWith(folder));
  });

export const apparmorRom = {
  id: "apparmor-rom",
  title: "AppArmor does not let QEMU read the ROM file",
  looksAt: "the paths of ROM files, AppArmor, local additions to libvirt's profile",
  explanation:
    "libvirt confines QEMU with a profile that names the folders it may read. A ROM file elsewhere gives “Permission denied”, even if its mode allows everybody.",
  remedy: `move the file to /usr/share/vgabios/, or add its path to ${APPARMOR_LOCAL}`,
  source: "BigAnteater/KVM-GPU-Passthrough#39",
  find: ({ facts, survey, given }) =>
    !survey.apparmor
      ? []
      : given.flatMap((card) =>
          card.hostdevs.flatMap(({ romFile }) =>
            romFile === undefined ||
            isReadableRom(romFile) ||
            allowedLocally(romFile, facts.files[APPARMOR_LOCAL]?.content ?? "") ||
            card.domain.running
              ? []
              : [
                  {
                    subject: subjectOf(card),
                    verdict: "fault" as const,
                    found: `${romFile} is outside the folders that libvirt's profile lets QEMU read`,
                  },
                ],
          ),
        ),
} as const satisfies Rule;
