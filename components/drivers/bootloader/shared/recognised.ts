import { parseCmdline } from "../../../facts/cmdline.ts";
import type { BootloaderDriver } from "../../../plan/driver.ts";
import type { Facts } from "../../../facts/facts.ts";
import { STUB_INFO } from "./kernel-cmdline.ts";

const REFIND_CONF = "/boot/refind_linux.conf";
const LIMINE_CONFS = ["/boot/limine.conf", "/boot/limine/limine.conf", "/boot/efi/limine.conf"];

const has = (facts: Facts, argument: string): boolean =>
  parseCmdline(facts.cmdline).some((word) => word.startsWith(argument));

/** Arguments that somebody has written down where this loader reads them: the running kernel's, but its own. */
const running = (facts: Facts): string[] =>
  parseCmdline(facts.cmdline).filter((word) => !/^(BOOT_IMAGE|initrd|vfio_fleet)/.test(word));

/** A loader that is known but not driven: the person who set it up gets the line to write. */
const recognised = (
  name: string,
  driver: Pick<BootloaderDriver, "reads" | "looksFor" | "configuredIn" | "detect">,
  line: (facts: Facts, args: readonly string[]) => string,
): BootloaderDriver => ({
  ...driver,
  name,
  scripts: [],
  edits: () => [],
  ownArguments: () => [],
  lacks: () => [],
  refuse: (facts, args) => [
    {
      path: "boot loader",
      problem: `the host was booted by ${name}, whose configuration this tool does not write: there would be no trial boot and no way back`,
      remedy: `use GRUB or systemd-boot on this host, or set it up by hand: ${line(facts, args)}`,
    },
  ],
});

/** A unified kernel image carries its command line inside, sealed when it is signed (systemd-stub(7)). */
export const unifiedKernelImage = recognised(
  "a unified kernel image",
  {
    reads: [],
    looksFor: [STUB_INFO],
    configuredIn: "/etc/kernel/cmdline",
    detect: (facts) => facts.exists.includes(STUB_INFO),
  },
  (_, args) =>
    `put "${args.join(" ")}" at the end of the line in /etc/kernel/cmdline and build the image anew with the tool that made it`,
);

/** rEFInd passes initrd= in front of its options (rEFInd manual, "refind_linux.conf") and says no name of its own. */
export const refind = recognised(
  "rEFInd",
  {
    reads: [REFIND_CONF],
    configuredIn: REFIND_CONF,
    detect: (facts) =>
      /^refind/i.test(facts.boot.loaderInfo ?? "") ||
      (facts.boot.loaderInfo === null &&
        facts.boot.efi &&
        !has(facts, "BOOT_IMAGE=") &&
        has(facts, "initrd=") &&
        facts.files[REFIND_CONF] !== undefined),
  },
  (facts, args) =>
    `make this the first line of ${REFIND_CONF}: "Boot with GPU passthrough" "${[...new Set([...running(facts), ...args])].join(" ")}"`,
);

/** Limine names itself since 9.3; older ones leave no trace on the command line, only their configuration. */
export const limine = recognised(
  "Limine",
  {
    reads: [],
    looksFor: LIMINE_CONFS,
    configuredIn: "limine.conf",
    detect: (facts) =>
      /^limine/i.test(facts.boot.loaderInfo ?? "") ||
      (facts.boot.loaderInfo === null &&
        !has(facts, "BOOT_IMAGE=") &&
        !has(facts, "initrd=") &&
        LIMINE_CONFS.some((path) => facts.exists.includes(path))),
  },
  (facts, args) =>
    `write in ${LIMINE_CONFS.find((path) => facts.exists.includes(path)) ?? "limine.conf"}, in the entry that boots: cmdline: ${[...new Set([...running(facts), ...args])].join(" ")}`,
);

/** The firmware starts the kernel itself, with what efibootmgr stored. */
export const efiStub = recognised(
  "the firmware itself (EFI stub)",
  {
    reads: [],
    configuredIn: "efibootmgr",
    detect: (facts) =>
      facts.boot.efi && facts.boot.loaderInfo === null && !has(facts, "BOOT_IMAGE=") && has(facts, "initrd="),
  },
  (facts, args) =>
    `efibootmgr --create --label "Linux with GPU passthrough" --loader '\\vmlinuz-${facts.kernel}' --unicode '${[...new Set([...parseCmdline(facts.cmdline), ...args])].join(" ")}' (disk, partition and path as in efibootmgr -v)`,
);
