/**
 * The host images, each as a recipe: packages of a Debian release, and the scripts that turn it into a lab host with
 * a disk.
 */

export interface ImageRecipe {
  readonly summary: string;
  /** The Debian release. */
  readonly suite: string;
  readonly packages: readonly string[];
  /** Scripts in this folder, run in order with the new system's folder as their argument. */
  readonly scripts: readonly string[];
  /** Kernel arguments of the image itself. */
  readonly kernelArguments: readonly string[];
  readonly diskMiB: number;
  readonly espMiB: number;
  readonly rootUuid: string;
  readonly rootPartUuid: string;
  /** In FAT's form, XXXX-XXXX. */
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

// Emulated processors have no side channels to close, and their time stamp counter does not drift. Without these two
// arguments the kernel takes twice as long to boot. On a busy machine the emulated timer may be too late for the
// kernel's check, which then panics. no_timer_check skips that check.
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
    // The partition holds each kernel with its initramfs, and a trial's as well.
    espMiB: 512,
    rootUuid: "6d1f7a52-1f0c-4c6e-9a58-0a3f4a0d6c03",
    rootPartUuid: "6d1f7a52-1f0c-4c6e-9a58-0a3f4a0d6c04",
    espUuid: "1AB0-E5F2",
  },
} satisfies Record<string, ImageRecipe>;

export type ImageName = keyof typeof IMAGES;
