import { plainFirmware } from "../../../plan/domain/resolve/firmware-images.ts";
import type { DistroDriver } from "../../../plan/driver.ts";
import { upstreamVersion } from "../shared/upstream-version.ts";

/** Arch Linux and what is made from it. */
export const arch: DistroDriver = {
  name: "arch",
  scripts: [new URL("arch.sh", import.meta.url)],
  detect: (facts) => [facts.distro.id, ...facts.distro.like].includes("arch"),
  // it lists nothing but what is installed
  packageQuery: { program: "pacman", command: `pacman -Q "$@" | sed 's/$/ installed/'` },
  // libvirt's default network needs dnsmasq, which is only suggested
  packages: ["libvirt", "qemu-base", "edk2-ovmf", "dnsmasq"],
  // Arch has swtpm's tools in the same package
  tpmPackages: ["swtpm"],
  virtiofsPackages: () => ["virtiofsd"],
  versions: {
    libvirt: ["libvirt"],
    // qemu-base holds no file; where another of its kind stands in for it, the program's own package has the version
    QEMU: ["qemu-system-x86", "qemu-base"],
    OVMF: ["edk2-ovmf"],
    swtpm: ["swtpm"],
  },
  upstreamVersion,
  firmware: {
    package: "edk2-ovmf",
    // it ships no variable store with enrolled keys
    images: [plainFirmware("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd")],
    files: "/usr/share/edk2*/*/*.fd",
  },
};
