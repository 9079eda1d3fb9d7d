import { drivers, everyDriver } from "./known-drivers.ts";
import { BIND_LIST } from "../plan/kernel/binding.ts";
import type { Facts } from "../facts/facts.ts";
import type { ProbeQuestion } from "../facts/question.ts";
import { LEFTOVER_FILES } from "../plan/kernel/leftovers.ts";

/** What an explanation shows versions of, beyond what a plan installs; names of several distributions. */
const PACKAGES = [
  "libvirt-daemon",
  "libvirt-daemon-system",
  "libvirt-daemon-driver-qemu",
  "libvirt",
  "qemu-system-x86",
  "qemu-system-x86-core",
  "qemu-kvm",
  "qemu-base",
  "ovmf",
  "edk2-ovmf",
  "swtpm",
  "pve-qemu-kvm",
  "pve-edk2-firmware-ovmf",
  "pve-edk2-firmware",
  "pve-manager",
  "proxmox-ve",
];

const unique = (...lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())];

/**
 * What a host is asked when it is to be explained: all that a plan for it would ask (`base`, where a stack describes
 * the host), and the survey.
 */
export const surveyQuestion = (base?: ProbeQuestion): ProbeQuestion => ({
  ...base,
  files: unique(
    base?.files ?? everyDriver.flatMap((driver) => driver.reads),
    LEFTOVER_FILES,
    ["/etc/modules", "/etc/modules-load.d/*.conf", "/etc/libvirt/qemu.conf"],
    ["/etc/dracut.conf.d/*", "/etc/mkinitcpio.conf", "/etc/mkinitcpio.conf.d/*.conf"],
    [BIND_LIST, "/etc/apparmor.d/local/abstractions/libvirt-qemu"],
  ),
  exists: unique(
    ["/sys/firmware/acpi/tables/DMAR", "/sys/firmware/acpi/tables/IVRS"],
    ["/dev/kvm", "/usr/share/OVMF/*.fd", "/usr/share/edk2*/*/*.fd", "/usr/share/pve-edk2-firmware/*.fd"],
    everyDriver.flatMap((driver) => driver.looksFor ?? []),
    base?.exists ?? [],
  ),
  packages: unique(
    base?.packages ?? drivers.distro.flatMap((driver) => driver.packages),
    everyDriver.flatMap((driver) => driver.asksFor ?? []),
    PACKAGES,
  ),
  parameters: ["*"],
  survey: true,
});

/** Names of the drivers whose tools are in use on the host; undefined where none of the known ones is. */
export const detectedDrivers = (
  facts: Facts,
): Readonly<Record<"bootloader" | "initramfs" | "distro", string | undefined>> => ({
  bootloader: drivers.bootloader.find((driver) => driver.detect(facts))?.name,
  initramfs: drivers.initramfs.find((driver) => driver.detect(facts))?.name,
  distro: drivers.distro.find((driver) => driver.detect(facts))?.name,
});
