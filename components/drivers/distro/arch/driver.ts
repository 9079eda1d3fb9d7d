import type { DistroDriver } from "../../../plan/driver.ts";

/** Arch Linux and what is made from it. */
export const arch: DistroDriver = {
  name: "arch",
  scripts: [new URL("arch.sh", import.meta.url)],
  reads: [],
  detect: (facts) => [facts.distro.id, ...facts.distro.like].includes("arch"),
  firmwarePackage: "edk2-ovmf",
  // libvirt's default network needs dnsmasq, which is only suggested
  packages: ["libvirt", "qemu-base", "edk2-ovmf", "dnsmasq"],
  // Arch has swtpm's tools in the same package
  tpmPackages: ["swtpm"],
  virtiofsPackages: () => ["virtiofsd"],
};
