import { parseCmdline } from "../../../facts/cmdline.ts";
import type { BootloaderDriver } from "../../../plan/driver.ts";
import type { Facts } from "../../../facts/facts.ts";

/** Whether an argument of the running kernel begins like this. */
export const has = (facts: Facts, argument: string): boolean =>
  parseCmdline(facts.cmdline).some((word) => word.startsWith(argument));

/** Arguments that somebody has written down where this loader reads them: the running kernel's, but its own. */
export const running = (facts: Facts): string[] =>
  parseCmdline(facts.cmdline).filter((word) => !/^(BOOT_IMAGE|initrd|vfio_fleet)/.test(word));

/** A loader that is known but not driven: the person who set it up gets the line to write. */
export const recognised = (
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
