import { MADE_BY } from "../../../plan/kernel/binding.ts";
import type { BootloaderDriver } from "../../../plan/driver.ts";
import { bootEntries, ENTRIES, madeByKernelInstall } from "../shared/boot-entries.ts";
import {
  bootedBySystemdBoot,
  cmdlineArguments,
  KERNEL_CMDLINE,
  STUB_INFO,
} from "../shared/kernel-cmdline.ts";
import { PROXMOX_ESPS } from "../proxmox/esps.ts";

const KERNEL_INSTALL = "/usr/bin/kernel-install";

/** Has the recovery entry written anew whenever kernels come and go; not when the agent itself runs the tool. */
export const RECOVERY_HOOK = `#!/bin/sh
${MADE_BY}# Keeps the boot entry without GPU passthrough on a kernel that is there.
[ -z "\${VFIO_FLEET_AGENT:-}" ] && [ -x /usr/local/lib/vfio-fleet/host ] || exit 0
/usr/local/lib/vfio-fleet/host recovery || echo "vfio-fleet: the recovery entry could not be written" >&2
`;

/** systemd-boot with entries that kernel-install writes from /etc/kernel/cmdline: Debian, Ubuntu, Fedora. */
export const systemdBoot: BootloaderDriver = {
  name: "systemd-boot",
  scripts: [
    new URL("../shared/boot-entries.sh", import.meta.url),
    new URL("systemd-boot.sh", import.meta.url),
  ],
  reads: [KERNEL_CMDLINE, ...ENTRIES],
  looksFor: [STUB_INFO, KERNEL_INSTALL],
  configuredIn: KERNEL_CMDLINE,
  detect: (facts) =>
    bootedBySystemdBoot(facts) &&
    !facts.exists.includes(STUB_INFO) &&
    facts.files[PROXMOX_ESPS] === undefined,
  edits: (args) => [
    { kind: "words", path: KERNEL_CMDLINE, words: args },
    {
      kind: "file",
      path: "/etc/kernel/install.d/95-vfio-fleet.install",
      mode: "755",
      content: RECOVERY_HOOK,
    },
  ],
  ownArguments: cmdlineArguments,
  lacks: (facts, args) => {
    const missing = bootEntries(facts).flatMap(({ options }) =>
      args.filter((argument) => !options.includes(argument)),
    );
    return args.filter((argument) => missing.includes(argument));
  },
  refuse: (facts, args) => {
    const entries = bootEntries(facts);
    if (
      entries.some((entry) => madeByKernelInstall(entry, facts.kernel)) &&
      facts.exists.includes(KERNEL_INSTALL)
    )
      return [];
    const [entry] = entries;
    return [
      {
        path: "boot loader",
        problem: `systemd-boot's entry for Linux ${facts.kernel} was not made by kernel-install${entry ? ` (${entries.map(({ path }) => path).join(", ")})` : ""}, so this tool cannot keep it up to date`,
        remedy: `add to the line "options" of ${entry?.path ?? "the entry that boots"}: ${args.join(" ")}`,
      },
    ];
  },
};
