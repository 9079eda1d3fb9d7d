import type { DistroDriver } from "../core/driver.ts";

export const debian: DistroDriver = {
  name: "debian",
  scripts: [new URL("debian.sh", import.meta.url)],
  reads: [],
  detect: (facts) => [facts.distro.id, ...facts.distro.like].includes("debian"),
  firmwarePackage: "ovmf",
  packages: ["libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "qemu-utils", "ovmf"],
  tpmPackages: ["swtpm", "swtpm-tools"],
};
