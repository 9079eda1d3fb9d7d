/** The host images, each a recipe: packages of a Debian release, and the scripts that make a lab host and a disk of it. */

export interface ImageRecipe {
  readonly summary: string;
  /** The Debian release. */
  readonly suite: string;
  readonly packages: readonly string[];
  /** Scripts of this folder, run in order with the new system's folder as their argument. */
  readonly scripts: readonly string[];
  /** Kernel arguments that are there before anybody configures the host. */
  readonly kernelArguments: readonly string[];
  readonly diskMiB: number;
  readonly espMiB: number;
  readonly rootUuid: string;
  readonly rootPartUuid: string;
  /** As FAT writes it, XXXX-XXXX. */
  readonly espUuid: string;
}

const COMMON_PACKAGES = [
  "linux-image-amd64",
  "systemd-sysv",
  "dbus",
  "udev",
  "kmod",
  "pciutils",
  "iproute2",
  "procps",
  "sudo",
  "openssh-server",
  "zstd",
  "dnsmasq-base",
  "libvirt-daemon-system",
  "libvirt-clients",
  "qemu-system-x86",
  "qemu-utils",
  "ovmf",
] as const;

// Emulated processors have no side channels to close, and a time stamp counter that does not drift; without these two
// the kernel takes twice as long to boot. On a busy machine the emulated timer may come too late for the kernel's check of
// it, which then ends in a panic: no_timer_check leaves that check out.
const KERNEL_ARGUMENTS = [
  "console=tty0",
  "console=ttyS0,115200",
  "mitigations=off",
  "tsc=reliable",
  "no_timer_check",
] as const;

export const IMAGES = {
  "debian-12": {
    summary: "Debian 12, GRUB, initramfs-tools",
    suite: "bookworm",
    packages: [...COMMON_PACKAGES, "grub-efi-amd64", "initramfs-tools"],
    scripts: ["common.sh", "quick-boot.sh", "debian-12/boot.sh", "disk.sh"],
    kernelArguments: KERNEL_ARGUMENTS,
    diskMiB: 8192,
    espMiB: 64,
    rootUuid: "6d1f7a52-1f0c-4c6e-9a58-0a3f4a0d6c01",
    rootPartUuid: "6d1f7a52-1f0c-4c6e-9a58-0a3f4a0d6c02",
    espUuid: "1AB0-E5F1",
  },
  "debian-13": {
    summary: "Debian 13, systemd-boot, dracut",
    suite: "trixie",
    packages: [...COMMON_PACKAGES, "systemd-boot", "dracut"],
    scripts: ["common.sh", "quick-boot.sh", "debian-13/boot.sh", "disk.sh"],
    kernelArguments: KERNEL_ARGUMENTS,
    diskMiB: 8192,
    // each kernel lies there with its initramfs, and a trial's as well
    espMiB: 512,
    rootUuid: "6d1f7a52-1f0c-4c6e-9a58-0a3f4a0d6c03",
    rootPartUuid: "6d1f7a52-1f0c-4c6e-9a58-0a3f4a0d6c04",
    espUuid: "1AB0-E5F2",
  },
} satisfies Record<string, ImageRecipe>;

export type ImageName = keyof typeof IMAGES;
