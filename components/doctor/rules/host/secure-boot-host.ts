import type { Rule } from "../../rule.ts";

const UNSIGNED = ["vendor_reset", "nvidia", "zfs"] as const;

/** Files that name modules to load at boot. */
const LISTS = /^\/etc\/(modules|modules-load\.d|initramfs-tools|dracut|mkinitcpio)/;

export const secureBootHost = {
  id: "secure-boot-host",
  title: "The host boots with Secure Boot",
  looksAt: "Secure Boot, kernel lockdown, modules from outside the kernel",
  explanation:
    "With Secure Boot the kernel locks itself down and loads signed modules only. vendor-reset, NVIDIA's driver or ZFS that was built on the host needs a key that the firmware knows. Unsigned modules are refused with “Key was rejected”.",
  remedy: "enrol the key that signs them (mokutil --import), or switch Secure Boot off",
  source: "Linux: kernel_lockdown(7); Debian wiki: SecureBoot",
  find: ({ facts, survey }) => {
    if (survey.secureBoot !== true) return [];
    const lists = Object.entries(facts.files).filter(([path]) => LISTS.test(path));
    return lists.flatMap(([path, { content }]) => {
      const words = content
        .split("\n")
        .filter((line) => !/^\s*(#|blacklist|alias|softdep|install|options)/.test(line))
        .flatMap((line) => line.split(/[\s"'=]+/));
      return UNSIGNED.filter((name) => words.includes(name) && !facts.modules.includes(name)).map((name) => ({
        subject: path,
        verdict: "risk" as const,
        found: `it names the module ${name}, which is not loaded, and Secure Boot is on (lockdown ${survey.lockdown ?? "unknown"})`,
      }));
    });
  },
} as const satisfies Rule;
