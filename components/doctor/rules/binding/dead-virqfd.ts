import type { Rule } from "../../rule.ts";

export const deadVirqfd = {
  id: "dead-virqfd",
  title: "A list names the module vfio_virqfd, which this kernel does not have",
  looksAt: "/etc/modules, /etc/modules-load.d, the initramfs's list of modules",
  explanation:
    "Linux 6.2 merged the module into vfio, but many guides still list it. A boot then warns or waits; some initramfs tools ignore the whole list.",
  remedy: "remove vfio_virqfd from the list; vfio-fleet names only modules that the kernel has",
  source: "uwzis/GPU-Passthrough-Manager#40; Linux 6.2, drivers/vfio",
  find: ({ facts }) => {
    // A kernel may have the name of a property that every object inherits.
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
