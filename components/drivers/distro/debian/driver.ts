import { plainFirmware, secureFirmware } from "../../../plan/domain/resolve/firmware-images.ts";
import type { DistroDriver } from "../../../plan/driver.ts";
import { upstreamVersion } from "../shared/upstream-version.ts";

export const debian: DistroDriver = {
  name: "debian",
  scripts: [new URL("debian.sh", import.meta.url)],
  asksFor: ["virtiofsd"],
  detect: (facts) => [facts.distro.id, ...facts.distro.like].includes("debian"),
  packageQuery: {
    program: "dpkg-query",
    command: `dpkg-query -W -f '\${Package} \${Version} \${db:Status-Status}\\n' "$@"`,
  },
  packages: ["libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "qemu-utils", "ovmf"],
  tpmPackages: ["swtpm", "swtpm-tools"],
  // up to Debian 12 a file of qemu-system-common; what is made from Debian is newer, where it is known at all
  virtiofsPackages: ({ distro: { id, version } }) =>
    id === "debian" && Number.parseInt(version, 10) < 13 ? [] : ["virtiofsd"],
  versions: {
    libvirt: ["libvirt-daemon-system", "libvirt-daemon", "libvirt-daemon-driver-qemu"],
    QEMU: ["qemu-system-x86"],
    OVMF: ["ovmf"],
    swtpm: ["swtpm"],
  },
  upstreamVersion,
  firmware: {
    package: "ovmf",
    images: [
      plainFirmware("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
      secureFirmware("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"),
    ],
    // of 2 MiB
    older: [
      plainFirmware("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
      secureFirmware("/usr/share/OVMF/OVMF_CODE.ms.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"),
    ],
    files: "/usr/share/OVMF/*.fd",
  },
};
