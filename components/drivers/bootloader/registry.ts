import type { BootloaderDriver } from "../../plan/driver.ts";
import { efiStub, limine, refind, unifiedKernelImage } from "./shared/recognised.ts";
import { grub, grubPlain } from "./grub/driver.ts";
import { proxmoxGrub, proxmoxSystemdBoot } from "./proxmox/driver.ts";
import { systemdBoot } from "./systemd-boot/driver.ts";

/** Every boot loader that is known, the first that detects itself is it; a new one is a file and a line here. */
export const bootloaders = {
  unifiedKernelImage,
  proxmoxSystemdBoot,
  proxmoxGrub,
  systemdBoot,
  grub,
  grubPlain,
  refind,
  limine,
  efiStub,
} satisfies Record<string, BootloaderDriver>;
