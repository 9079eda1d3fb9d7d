import type { Rule } from "../../rule.ts";

export const deadVirqfd = {
  id: "dead-virqfd",
  title: "vfio_virqfd is asked for, and this kernel has no such module",
  looksAt: "/etc/modules, /etc/modules-load.d, the initramfs's list of modules",
  explanation:
    "The module was folded into vfio in Linux 6.2. Guides still list it; a boot then warns, waits, or in some initramfs tools gives the whole list up.",
  remedy: "take vfio_virqfd out of the list; vfio-fleet names only modules that the kernel has",
  source: "uwzis/GPU-Passthrough-Manager#40; Linux 6.2, drivers/vfio",
  find: ({ facts }) => {
    // a kernel may call itself like a name that every object has
    const has = Object.hasOwn(facts.vfioModules, facts.kernel) ? (facts.vfioModules[facts.kernel] ?? []) : [];
    if (has.length === 0 || has.includes("vfio_virqfd")) return [];
    return Object.entries(facts.files)
      .filter(
        ([path, { content }]) =>
          /modules|dracut|mkinitcpio/.test(path) && /^[^#\n]*\bvfio_virqfd\b/m.test(content),
      )
      .map(([path]) => ({
        subject: path,
        verdict: "risk" as const,
        found: `it names vfio_virqfd, which Linux ${facts.kernel} does not have`,
      }));
  },
} as const satisfies Rule;
