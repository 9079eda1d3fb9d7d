import { parseCmdline } from "../core/cmdline.ts";
import type { BootloaderDriver } from "../core/driver.ts";
import type { Facts } from "../core/facts.ts";

const DROP_IN = "/etc/default/grub.d/90-vfio-fleet.cfg";

/** File systems that GRUB can write its environment block to, so that it can clear next_entry by itself (GRUB manual, "Environment block"). */
const WRITABLE = ["ext2", "ext3", "ext4", "xfs", "vfat"];

/** Values of one GRUB_CMDLINE variable over the files in the order update-grub reads them; later lines replace earlier ones unless they name the variable itself. */
const variable = (facts: Facts, name: string): string[] => {
  let value: string[] = [];
  const drops = Object.keys(facts.files)
    .filter((path) => path.startsWith("/etc/default/grub.d/") && path.endsWith(".cfg") && path !== DROP_IN)
    .sort();
  for (const path of ["/etc/default/grub", ...drops])
    for (const line of (facts.files[path]?.content ?? "").replaceAll("\\\n", "").split("\n")) {
      const match = new RegExp(`^\\s*${name}=(["']?)(.*)\\1\\s*(#.*)?$`).exec(line);
      if (!match) continue;
      const words = parseCmdline((match[2] ?? "").replaceAll('\\"', '"'));
      const self = [`$${name}`, `\${${name}}`];
      value = words.flatMap((word) => (self.includes(word) ? value : [word]));
    }
  return value;
};

/** GRUB 2 whose update-grub reads drop-ins: Debian and Ubuntu. */
export const grub: BootloaderDriver = {
  name: "grub",
  script: new URL("grub.sh", import.meta.url),
  reads: ["/etc/default/grub", "/etc/default/grub.d/*.cfg"],
  detect: (facts) =>
    // GRUB hands the kernel's path over as BOOT_IMAGE; systemd-boot sets LoaderInfo and no BOOT_IMAGE
    parseCmdline(facts.cmdline).some((argument) => argument.startsWith("BOOT_IMAGE=")) &&
    !(facts.boot.loaderInfo ?? "").startsWith("systemd-boot") &&
    facts.boot.present.includes("/usr/sbin/update-grub") &&
    facts.boot.present.includes("/boot/grub/grub.cfg"),
  files: (args) => [
    {
      path: DROP_IN,
      mode: "644",
      content:
        "# Written by vfio-fleet; edits are shown by the next preview and put back by the next up.\n" +
        (args.length > 0
          ? `GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT ${args.join(" ")}"\n`
          : "# no kernel arguments are wanted beyond the host's own\n"),
    },
  ],
  ownArguments: (facts) => [
    ...variable(facts, "GRUB_CMDLINE_LINUX"),
    ...variable(facts, "GRUB_CMDLINE_LINUX_DEFAULT"),
  ],
  lacks: (facts, args) => {
    let recovery = false;
    const missing = new Set<string>();
    for (const line of facts.boot.grubLinux ?? []) {
      if (/^(menuentry|submenu)\s/.test(line)) recovery = /recovery|vfio-fleet/.test(line);
      else if (!recovery)
        for (const argument of args) if (!parseCmdline(line).includes(argument)) missing.add(argument);
    }
    return [...missing];
  },
  refuse: (facts) =>
    WRITABLE.includes(facts.boot.bootFilesystem)
      ? []
      : [
          {
            path: "boot loader",
            problem: `GRUB cannot write its environment block on ${facts.boot.bootFilesystem || "this file system"}, so a trial boot would repeat itself for ever`,
            remedy: "give /boot an ext4 or xfs partition of its own",
          },
        ],
};
