import type { Rule } from "../../rule.ts";

export const builtinVfio = {
  id: "builtin-vfio",
  title: "vfio-pci is built into the kernel and reads no modprobe file",
  looksAt: "modules.builtin, /etc/modprobe.d, the kernel command line",
  explanation:
    "Options in /etc/modprobe.d reach a module when it is loaded. A built-in driver is never loaded, so its options have to stand on the kernel command line.",
  remedy: "write vfio-pci.ids=… on the kernel command line, or bind by address",
  source: "clayfreeman/gpu-passthrough#3",
  find: ({ facts }) => {
    if (!facts.vfioBuiltin.includes("vfio_pci") || /\bvfio[-_]pci\.ids=/.test(facts.cmdline)) return [];
    const files = Object.entries(facts.files).filter(
      ([path, { content }]) =>
        path.startsWith("/etc/modprobe.d/") && /^\s*options\s+vfio[-_]pci\s.*\bids=/m.test(content),
    );
    return files.map(([path]) => ({
      subject: path,
      verdict: "fault" as const,
      found: "it sets ids for vfio-pci, which is built into this kernel",
    }));
  },
} as const satisfies Rule;
