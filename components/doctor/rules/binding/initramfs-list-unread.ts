import type { Facts } from "../../../facts/facts.ts";
import type { Rule } from "../../rule.ts";

/** dracut lies beside initramfs-tools on hosts that changed over: the one that is installed as a package builds. */
const byDracut = ({ initramfs, packages }: Facts): boolean => {
  const tools = initramfs.tools.map((path) => path.split("/").at(-1));
  return (
    tools.includes("dracut") && ((packages["dracut"] ?? null) !== null || !tools.includes("mkinitramfs"))
  );
};

/** Why dracut does not read a file; undefined of one that it reads, and of one that it need not. */
const unread = (path: string): string | undefined =>
  path.startsWith("/etc/initramfs-tools/")
    ? "dracut builds this host's initramfs, and does not read initramfs-tools' files"
    : /^\/etc\/dracut\.conf\.d\/.*(?<!\.conf)$/.test(path)
      ? "dracut reads only names that end in .conf"
      : undefined;

export const initramfsListUnread = {
  id: "initramfs-list-unread",
  title: "A list of modules that the initramfs is not built from",
  looksAt: "the generator in use, /etc/initramfs-tools/modules, /etc/dracut.conf.d",
  explanation:
    "Each initramfs generator has lists of its own. After a change from initramfs-tools to dracut (Ubuntu 25.10 does it by itself) the old ones stay and are read by nobody: vfio-pci loads late, and a host driver has the card.",
  remedy:
    "name the modules in /etc/dracut.conf.d/NAME.conf with force_drivers, and build with dracut --force; vfio-fleet writes it for the generator in use",
  source: "dracut.conf(5); Ubuntu 25.10 release notes, dracut",
  find: ({ facts }) =>
    !byDracut(facts)
      ? []
      : Object.entries(facts.files).flatMap(([path, { content }]) => {
          const why = /^[^#\n]*\bvfio/m.test(content) ? unread(path) : undefined;
          return why === undefined ? [] : [{ subject: path, verdict: "risk" as const, found: why }];
        }),
} as const satisfies Rule;
