import { MADE_BY } from "../../../plan/kernel/binding.ts";
import { parseCmdline } from "../../../facts/cmdline.ts";
import type { BootloaderDriver } from "../../../plan/driver.ts";
import type { HostEdit } from "../../../plan/edit.ts";
import type { Facts } from "../../../facts/facts.ts";
import type { Problem } from "../../../facts/problem.ts";
import { DEFAULTS, DROP_IN, DROP_INS, grubVariables } from "./defaults.ts";
import { grubRecovery } from "./recovery.ts";
import { PROXMOX_ESPS } from "../proxmox/esps.ts";

/** File systems that GRUB can write its environment block to, so that it can clear next_entry by itself (GRUB manual, "Environment block"). */
const WRITABLE = ["ext2", "ext3", "ext4", "xfs", "vfat"];

/** An EFI system partition takes that block where /boot cannot (grub-menu.sh: esp_choice). */
const espIsMounted = (facts: Facts): boolean =>
  facts.boot.efi && facts.carriers.some(({ what }) => what === "/boot/efi");

/** GRUB hands the kernel's path over as BOOT_IMAGE; systemd-boot and Limine say who they are in LoaderInfo. */
export const bootedByGrub = (facts: Facts): boolean =>
  parseCmdline(facts.cmdline).some((argument) => argument.startsWith("BOOT_IMAGE=")) &&
  !/^(systemd-boot|limine)/i.test(facts.boot.loaderInfo ?? "");

const MENU = "/boot/grub/grub.cfg";
const MKCONFIG = ["/usr/sbin/grub-mkconfig", "/usr/bin/grub-mkconfig"];
const UPDATE_GRUB = "/usr/sbin/update-grub";

/** Whether grub-mkconfig reads /etc/default/grub.d, a patch of Debian and Ubuntu; update-grub is theirs too. */
const readsDropIns = (facts: Facts): boolean => {
  const found = MKCONFIG.flatMap((path) => facts.excerpts?.[path] ?? []);
  const there = MKCONFIG.some((path) => facts.excerpts?.[path] !== undefined);
  return there ? found.length > 0 : facts.exists.includes(UPDATE_GRUB);
};

const plainGrub = (facts: Facts): boolean =>
  bootedByGrub(facts) && facts.exists.includes(MENU) && facts.files[PROXMOX_ESPS] === undefined;

const extended = (args: readonly string[]): string =>
  `GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT ${args.join(" ")}"`;

export const grubArguments = (facts: Facts): readonly string[] => {
  const variables = grubVariables(facts);
  return ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"].flatMap((name) =>
    parseCmdline(variables.get(name) ?? ""),
  );
};

const lacks = (facts: Facts, args: readonly string[]): readonly string[] => {
  let recovery = false;
  const missing = new Set<string>();
  for (const line of facts.excerpts?.[MENU] ?? []) {
    if (/^\s*(menuentry|submenu)\s/.test(line)) recovery = /recovery|vfio-fleet/.test(line);
    else if (!recovery)
      for (const argument of args) if (!parseCmdline(line).includes(argument)) missing.add(argument);
  }
  return [...missing];
};

const refuse = (facts: Facts): Problem[] => {
  const { bootFilesystem, bootDevice } = facts.boot;
  const mapped = /^\/dev\/(mapper\/|dm-|md)/.test(bootDevice ?? "");
  if ((WRITABLE.includes(bootFilesystem) && !mapped) || espIsMounted(facts)) return [];
  return [
    {
      path: "boot loader",
      problem: `GRUB cannot write its environment block on ${mapped ? `${bootDevice} (LVM, RAID or encrypted)` : bootFilesystem || "this file system"}, so a trial boot would repeat itself for ever`,
      remedy: facts.boot.efi
        ? "mount the EFI system partition at /boot/efi, or give /boot an ext4 or xfs partition of its own"
        : "give /boot an ext4 or xfs partition of its own",
    },
  ];
};

export const grubDropIn = (args: readonly string[]): readonly HostEdit[] => [
  {
    kind: "file",
    path: DROP_IN,
    mode: "644",
    content:
      MADE_BY +
      (args.length > 0 ? `${extended(args)}\n` : "# no kernel arguments are wanted beyond the host's own\n"),
  },
  { kind: "file", ...grubRecovery(args) },
];

const common = {
  scripts: [
    new URL("menu-entry.sh", import.meta.url),
    new URL("menu.sh", import.meta.url),
    new URL("grub.sh", import.meta.url),
  ],
  looksFor: [MENU, UPDATE_GRUB],
  excerpts: [
    { path: MENU, lines: /^\s*(linux(efi)?|menuentry|submenu)\s/ },
    ...MKCONFIG.map((path) => ({ path, lines: /\/default\/grub\.d\/\*/ })),
  ],
  ownArguments: grubArguments,
  lacks,
} satisfies Partial<BootloaderDriver>;

/** GRUB 2 whose grub-mkconfig reads drop-ins: Debian and Ubuntu. */
export const grub: BootloaderDriver = {
  ...common,
  name: "grub",
  reads: [DEFAULTS, DROP_INS],
  configuredIn: "/etc/default/grub and /etc/default/grub.d",
  detect: (facts) => plainGrub(facts) && readsDropIns(facts),
  edits: grubDropIn,
  refuse,
};

/** GRUB 2 with /etc/default/grub alone: a block at its end, which the shell that reads it takes last. */
export const grubPlain: BootloaderDriver = {
  ...common,
  name: "grub-without-drop-ins",
  reads: [DEFAULTS],
  configuredIn: DEFAULTS,
  detect: (facts) => plainGrub(facts) && !readsDropIns(facts),
  edits: (args) => [
    { kind: "block", path: DEFAULTS, content: args.length > 0 ? extended(args) : "" },
    { kind: "file", ...grubRecovery(args) },
  ],
  refuse: (facts) => [
    ...refuse(facts),
    ...(facts.files[DEFAULTS]
      ? []
      : [
          {
            path: "boot loader",
            problem: `${DEFAULTS} is not there, and this GRUB reads its settings from nowhere else`,
            remedy: `create it: touch ${DEFAULTS}`,
          },
        ]),
  ],
};
