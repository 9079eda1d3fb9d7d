import type { Facts } from "../../../facts/facts.ts";
import { plainFirmware, secureFirmware } from "../../../plan/domain/resolve/firmware-images.ts";
import type { DistroDriver } from "../../../plan/driver.ts";
import { debian } from "../debian/driver.ts";

const installed = (facts: Facts, name: string): boolean => (facts.packages[name] ?? null) !== null;

/**
 * Proxmox VE 8 and 9: Debian with a QEMU and a firmware of its own, whose packages stand in for Debian's and conflict with
 * them. libvirt is Debian's.
 */
export const proxmox: DistroDriver = {
  ...debian,
  name: "proxmox",
  asksFor: ["proxmox-ve", "pve-manager"],
  detect: (facts) => installed(facts, "proxmox-ve") || installed(facts, "pve-manager"),
  packages: ["libvirt-daemon-system", "libvirt-clients", "pve-qemu-kvm", "pve-edk2-firmware-ovmf"],
  // its QEMU is newer than that of the Debian below it
  virtiofsPackages: () => ["virtiofsd"],
  versions: {
    ...debian.versions,
    QEMU: ["pve-qemu-kvm"],
    // one package before Proxmox VE 8
    OVMF: ["pve-edk2-firmware-ovmf", "pve-edk2-firmware"],
    "Proxmox VE": ["pve-manager"],
  },
  firmware: {
    package: "pve-edk2-firmware-ovmf",
    images: [
      plainFirmware(
        "/usr/share/pve-edk2-firmware/OVMF_CODE_4M.fd",
        "/usr/share/pve-edk2-firmware/OVMF_VARS_4M.fd",
      ),
      secureFirmware(
        "/usr/share/pve-edk2-firmware/OVMF_CODE_4M.secboot.fd",
        "/usr/share/pve-edk2-firmware/OVMF_VARS_4M.ms.fd",
      ),
    ],
    files: "/usr/share/pve-edk2-firmware/*.fd",
  },
};
