import type { BootloaderDriver, DistroDriver, InitramfsDriver } from "../plan/driver.ts";
import { efiStub } from "./bootloader/efi-stub/driver.ts";
import { grub, grubPlain } from "./bootloader/grub/driver.ts";
import { limine } from "./bootloader/limine/driver.ts";
import { proxmoxGrub, proxmoxSystemdBoot } from "./bootloader/proxmox/driver.ts";
import { refind } from "./bootloader/refind/driver.ts";
import { systemdBoot } from "./bootloader/systemd-boot/driver.ts";
import { unifiedKernelImage } from "./bootloader/uki/driver.ts";
import { arch } from "./distro/arch/driver.ts";
import { debian } from "./distro/debian/driver.ts";
import { proxmox } from "./distro/proxmox/driver.ts";
import { ubuntu } from "./distro/ubuntu/driver.ts";
import { dracut } from "./initramfs/dracut/driver.ts";
import { initramfsTools } from "./initramfs/initramfs-tools/driver.ts";
import { mkinitcpio } from "./initramfs/mkinitcpio/driver.ts";

interface Drivers {
  readonly bootloader: readonly BootloaderDriver[];
  readonly initramfs: readonly InitramfsDriver[];
  readonly distro: readonly DistroDriver[];
}

/** Every driver that is known. Of each kind the first that detects its tool has the host: the most special ones first. */
export const drivers: Drivers = {
  bootloader: [
    unifiedKernelImage,
    proxmoxSystemdBoot,
    proxmoxGrub,
    systemdBoot,
    grub,
    grubPlain,
    refind,
    limine,
    efiStub,
  ],
  initramfs: [dracut, initramfsTools, mkinitcpio],
  distro: [proxmox, ubuntu, debian, arch],
};
