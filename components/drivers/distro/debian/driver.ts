import type { DistroDriver } from "../../../plan/driver.ts";

export const debian: DistroDriver = {
  name: "debian",
  scripts: [new URL("debian.sh", import.meta.url)],
  reads: [],
  asksFor: ["virtiofsd"],
  detect: (facts) => [facts.distro.id, ...facts.distro.like].includes("debian"),
  firmwarePackage: "ovmf",
  packages: ["libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "qemu-utils", "ovmf"],
  tpmPackages: ["swtpm", "swtpm-tools"],
  // up to Debian 12 a file of qemu-system-common; what is made from Debian is newer, where it is known at all
  virtiofsPackages: ({ distro: { id, version } }) =>
    id === "debian" && Number.parseInt(version, 10) < 13 ? [] : ["virtiofsd"],
};
