import { parseCmdline } from "../../../facts/cmdline.ts";
import type { BootloaderDriver } from "../../../plan/driver.ts";
import type { Facts } from "../../../facts/facts.ts";
import { DEFAULTS, DROP_INS } from "../grub/defaults.ts";
import { bootedByGrub, grub, grubArguments, grubDropIn } from "../grub/driver.ts";
import { bootedBySystemdBoot, cmdlineArguments, KERNEL_CMDLINE } from "../shared/kernel-cmdline.ts";
import { PROXMOX_ESPS } from "./esps.ts";
import { RECOVERY_HOOK } from "../systemd-boot/driver.ts";

const inCharge = (facts: Facts): boolean =>
  (facts.files[PROXMOX_ESPS]?.content ?? "")
    .split("\n")
    .some((line) => /^[0-9A-F]{4}-[0-9A-F]{4}$/i.test(line.trim()));

/** Entries lie on partitions that are not mounted: what the running kernel shows is all there is to see. */
const unseen = { lacks: () => [] } satisfies Partial<BootloaderDriver>;

/** Proxmox VE with proxmox-boot-tool and systemd-boot: ZFS on UEFI without Secure Boot. */
export const proxmoxSystemdBoot: BootloaderDriver = {
  ...unseen,
  name: "proxmox-systemd-boot",
  scripts: [
    new URL("../shared/boot-entries.sh", import.meta.url),
    new URL("esps.sh", import.meta.url),
    new URL("systemd-boot.sh", import.meta.url),
  ],
  reads: [PROXMOX_ESPS, KERNEL_CMDLINE],
  configuredIn: KERNEL_CMDLINE,
  detect: (facts) => inCharge(facts) && bootedBySystemdBoot(facts),
  edits: (args) => [
    { kind: "words", path: KERNEL_CMDLINE, words: args },
    ...["postinst.d", "postrm.d"].map((folder) => ({
      kind: "file" as const,
      path: `/etc/kernel/${folder}/zzz-vfio-fleet`,
      mode: "755" as const,
      content: RECOVERY_HOOK,
    })),
  ],
  ownArguments: cmdlineArguments,
  refuse: (facts) => {
    const root = parseCmdline(facts.files[KERNEL_CMDLINE]?.content.split("\n", 1)[0] ?? facts.cmdline).some(
      (argument) => argument.startsWith("root="),
    );
    return root
      ? []
      : [
          {
            path: KERNEL_CMDLINE,
            problem: "its first line has no root=, and proxmox-boot-tool refuses such a file",
            remedy: "put the arguments of /proc/cmdline into its first line, without initrd=",
          },
        ];
  },
};

/** Proxmox VE with proxmox-boot-tool and GRUB on the same partitions: ZFS with legacy BIOS or Secure Boot. */
export const proxmoxGrub: BootloaderDriver = {
  ...unseen,
  name: "proxmox-grub",
  scripts: [
    new URL("../grub/menu-entry.sh", import.meta.url),
    new URL("../grub/menu.sh", import.meta.url),
    new URL("esps.sh", import.meta.url),
    new URL("grub.sh", import.meta.url),
  ],
  reads: [PROXMOX_ESPS, DEFAULTS, DROP_INS],
  configuredIn: grub.configuredIn,
  detect: (facts) => inCharge(facts) && bootedByGrub(facts),
  edits: grubDropIn,
  ownArguments: grubArguments,
  refuse: () => [],
};
