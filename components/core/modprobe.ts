import { MADE_BY } from "./binding.ts";
import type { PciId } from "./pci.ts";
import type { ManagedFile } from "./step.ts";

/** Drivers that take a GPU's functions when nobody else does; each has to wait for vfio-pci when binding by id. */
const RIVALS = [
  "nouveau",
  "nvidia",
  "amdgpu",
  "radeon",
  "i915",
  "xe",
  "bochs",
  "snd_hda_intel",
  "xhci_pci",
  "nvidia_drm",
];

/** modprobe.d(5): `options MODULE NAME=VALUE`, `softdep MODULE pre: OTHER`. */
export const vfioConf = (ids: readonly PciId[], disableVga: boolean): ManagedFile => {
  const options = [
    ...(ids.length > 0 ? [`ids=${ids.join(",")}`] : []),
    ...(disableVga ? ["disable_vga=1"] : []),
  ];
  return {
    path: "/etc/modprobe.d/vfio.conf",
    mode: "644",
    content:
      MADE_BY +
      (options.length > 0 ? `options vfio-pci ${options.join(" ")}\n` : "") +
      (ids.length > 0 ? RIVALS.map((rival) => `softdep ${rival} pre: vfio-pci\n`).join("") : ""),
  };
};

export const moduleConf = (
  module: string,
  options: Readonly<Record<string, boolean | number | string>>,
): ManagedFile => ({
  path: `/etc/modprobe.d/${module}.conf`,
  mode: "644",
  content:
    MADE_BY +
    Object.entries(options)
      .map(
        ([name, value]) =>
          `options ${module} ${name}=${typeof value === "boolean" ? Number(value) : value}\n`,
      )
      .join(""),
});
