import type { BootloaderDriver } from "../core/driver.ts";
import { efiStub, limine, refind, unifiedKernelImage } from "./elsewhere.ts";
import { grub, grubPlain } from "./grub.ts";
import { proxmoxGrub, proxmoxSystemdBoot } from "./proxmox.ts";
import { systemdBoot } from "./systemd-boot.ts";

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
