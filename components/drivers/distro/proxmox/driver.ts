import type { Facts } from "../../../facts/facts.ts";
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
  firmwarePackage: "pve-edk2-firmware-ovmf",
  packages: ["libvirt-daemon-system", "libvirt-clients", "pve-qemu-kvm", "pve-edk2-firmware-ovmf"],
  // its QEMU is newer than that of the Debian below it
  virtiofsPackages: () => ["virtiofsd"],
};
