import type { HostDrivers } from "./driver.ts";

/** A shell function of the agent that a driver defines: its words, what it prints or answers, and what it is for. */
export interface ShellFunction {
  readonly args: string;
  /** on standard output, where somebody reads it */
  readonly prints?: string;
  readonly does: string;
}

interface ShellContract {
  /** what every driver of the kind defines, once */
  readonly required: Readonly<Record<string, ShellFunction>>;
  /** what it may define in place of the default in components/agent/driver-defaults.sh */
  readonly optional: Readonly<Record<string, ShellFunction>>;
}

/**
 * The shell half of a driver: what the agent on the host calls. Functions run as root under dash, bash or busybox sh with
 * `set -eu`; they end by `die` with a remedy, and can be called again at any point. All other functions of a driver are its
 * own, and no name is defined twice. test/unit/agent/shell-contract.test.ts holds every assembled agent against it.
 */
export const DRIVER_SHELL = {
  bootloader: {
    required: {
      bootloader_version: {
        args: "",
        prints:
          "the version of the kernel that an ordinary boot takes; nothing where the loader does not tell",
        does: "names the kernel that a trial is made for",
      },
      bootloader_arm: {
        args: "VERSION IMAGE TOKEN OLD-ARGUMENTS NEW-ARGUMENTS",
        does: "has the next boot, and only that one, take this kernel with the trial image, the new arguments and the mark",
      },
      bootloader_disarm: { args: "", does: "takes the trial and its choice back, where there is one" },
      bootloader_lacks: {
        args: "EFFECTS-FILE",
        prints: "a line for each thing that ordinary boots lack, and fails then",
        does: "judges the boot menu as it is written",
      },
      bootloader_commit: { args: "", does: "writes the boot menu from the files as they are now" },
    },
    optional: {
      bootloader_restore: {
        args: "",
        does: "makes the boot menu what it was before, once every file is back",
      },
      bootloader_recovery: {
        args: "",
        does: "keeps the entry without GPU passthrough on a kernel that is there",
      },
      bootloader_forget: { args: "", does: "takes that entry out" },
    },
  },
  initramfs: {
    required: {
      initramfs_kernels: {
        args: "",
        prints: "the version of each kernel that has an image, one a line",
        does: "lists them",
      },
      initramfs_image: {
        args: "VERSION",
        prints: "a path",
        does: "names the image that ordinary boots take",
      },
      initramfs_trial: {
        args: "VERSION",
        prints: "a path beside it that no boot loader takes for an ordinary image",
        does: "names the trial image",
      },
      initramfs_stamp: {
        args: "",
        prints: "one word that changes whenever an image does",
        does: "tells the next preview whether the images are those that were proved",
      },
      initramfs_build: {
        args: "VERSION PATH",
        does: "builds the image, whole under that name or not at all",
      },
      initramfs_open: {
        args: "IMAGE FOLDER",
        prints: "the folder that is the image's root, and fails where the image cannot be opened",
        does: "unpacks the image",
      },
      initramfs_order: {
        args: "ROOT",
        prints: "what is in the wrong order, and fails then",
        does: "judges whether the binding comes before udev",
      },
    },
    optional: {
      kernel_image: { args: "VERSION", prints: "a path", does: "names the kernel's own file" },
    },
  },
  distro: {
    required: {
      verb_packages: { args: "PACKAGE...", does: "installs those that are missing, and leaves the receipt" },
    },
    optional: {},
  },
} as const satisfies Record<keyof HostDrivers, ShellContract>;
