import { MADE_BY } from "./binding.ts";
import type { PciId } from "../../facts/pci.ts";
import type { ManagedFile } from "../step.ts";

/** Drivers that take a GPU's functions when nobody else does; each has to wait for vfio-pci when binding by id. */
export const RIVALS: readonly string[] = [
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

export type ModuleOptions = Readonly<Record<string, boolean | number | string>>;

export const optionWord = (name: string, value: boolean | number | string): string =>
  `${name}=${typeof value === "boolean" ? Number(value) : value}`;

const optionLines = (module: string, options: ModuleOptions): string =>
  Object.entries(options)
    .map(([name, value]) => `options ${module} ${optionWord(name, value)}\n`)
    .join("");

/** vfio-pci's own: all devices with these ids, and whether guests get legacy VGA ranges. */
export const vfioOptions = (ids: readonly PciId[], disableVga: boolean): readonly string[] => [
  ...(ids.length > 0 ? [`ids=${ids.join(",")}`] : []),
  ...(disableVga ? ["disable_vga=1"] : []),
];

/**
 * modprobe.d(5): `options MODULE NAME=VALUE`. What pulls vfio-pci in, the softdeps of the rivals, is not here but made
 * by the initramfs: this file is read in the old configuration too (docs/decisions/trial-boot.md).
 */
export const vfioConf = (
  ids: readonly PciId[],
  disableVga: boolean,
  more: Readonly<Record<string, ModuleOptions>> = {},
): ManagedFile => {
  const options = vfioOptions(ids, disableVga);
  return {
    path: "/etc/modprobe.d/vfio.conf",
    mode: "644",
    content:
      MADE_BY +
      (options.length > 0 ? `options vfio-pci ${options.join(" ")}\n` : "") +
      Object.entries(more)
        .map(([module, values]) => optionLines(module, values))
        .join(""),
  };
};

export const moduleConf = (module: string, options: ModuleOptions): ManagedFile => ({
  path: `/etc/modprobe.d/${module}.conf`,
  mode: "644",
  content: MADE_BY + optionLines(module, options),
});
