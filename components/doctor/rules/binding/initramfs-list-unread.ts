import type { Facts } from "../../../facts/facts.ts";
import type { Rule } from "../../rule.ts";

/**
 * Whether dracut builds the initramfs. dracut's files may lie beside initramfs-tools; the one with a package builds.
 */
const byDracut = ({ initramfs, packages }: Facts): boolean => {
  const tools = initramfs.tools.map((path) => path.split("/").at(-1));
  return (
    tools.includes("dracut") && ((packages["dracut"] ?? null) !== null || !tools.includes("mkinitramfs"))
  );
};

/** Why dracut does not read a file; undefined if it reads it, or does not need to. */
const unread = (path: string): string | undefined =>
  path.startsWith("/etc/initramfs-tools/")
    ? "dracut builds this host's initramfs and does not read the files of initramfs-tools"
    : /^\/etc\/dracut\.conf\.d\/.*(?<!\.conf)$/.test(path)
      ? "dracut reads only names that end in .conf"
      : undefined;

export const initramfsListUnread = {
  id: "initramfs-list-unread",
  title: "The initramfs is not built from this list of modules",
  looksAt: "the generator in use, /etc/initramfs-tools/modules, /etc/dracut.conf.d",
  explanation:
    "Each initramfs generator has its own lists. After a change from initramfs-tools to dracut (the default since Ubuntu 25.10) the old lists stay, but nothing reads them. Then vfio-pci loads late, and a host driver gets the card.",
  remedy:
    "name the modules with force_drivers in /etc/dracut.conf.d/NAME.conf, and build with dracut --force; vfio-fleet writes the list of the generator in use",
  source: "dracut.conf(5); Ubuntu 25.10 release notes, dracut",
  find: ({ facts }) =>
    !byDracut(facts)
      ? []
      : Object.entries(facts.files).flatMap(([path, { content }]) => {
          const why = /^[^#\n]*\bvfio/m.test(content) ? unread(path) : undefined;
          return why === undefined ? [] : [{ subject: path, verdict: "risk" as const, found: why }];
        }),
} as const satisfies Rule;
