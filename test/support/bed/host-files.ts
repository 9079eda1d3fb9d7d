import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { STUBS } from "./stubs.ts";

const KERNEL = "6.1.0-37-amd64";

const FILES: Readonly<Record<string, string>> = {
  "/etc/os-release":
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
  "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
  "/etc/group": "root:x:0:\nlibvirt:x:100:\n",
  "/etc/default/grub": 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n',
  "/etc/libvirt/qemu.conf": '# libvirt\'s own comments\n#user = "libvirt-qemu"\n',
  "/etc/initramfs-tools/modules": "# modules for the initramfs\n",
  "/etc/modprobe.d/fbdev-blacklist.conf": "blacklist vesafb\n",
  // as the stub of update-grub writes it
  "/boot/grub/grub.cfg": [
    "if [ -f  ${config_directory}/custom.cfg ]; then",
    "  source ${config_directory}/custom.cfg",
    "fi",
    "menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple-bed' {",
    `\tlinux\t/boot/vmlinuz-${KERNEL} root=UUID=bed ro  quiet`,
    `\tinitrd\t/boot/initrd.img-${KERNEL}`,
    "}",
    "",
  ].join("\n"),
  "/boot/grub/grubenv": "# GRUB Environment Block\n",
  [`/boot/vmlinuz-${KERNEL}`]: "kernel",
  [`/boot/initrd.img-${KERNEL}`]: "initramfs",
  "/proc/cmdline": `BOOT_IMAGE=/boot/vmlinuz-${KERNEL} root=UUID=bed ro quiet\n`,
  "/proc/cpuinfo":
    "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) CPU E5-2650 v3 @ 2.30GHz\nflags\t\t: fpu vmx lm\n\n",
  "/proc/meminfo": "MemTotal:       65000000 kB\n",
  "/proc/kallsyms": "",
  "/proc/self/mountinfo": "24 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n",
  "/proc/sys/kernel/osrelease": `${KERNEL}\n`,
  "/proc/sys/kernel/arch": "x86_64\n",
  "/proc/sys/kernel/random/boot_id": "00000000-0000-4000-8000-000000000000\n",
  "/sys/firmware/acpi/tables/DMAR": "DMAR",
  "/sys/devices/system/cpu/cpu0/topology/physical_package_id": "0\n",
  "/sys/devices/system/cpu/cpu0/topology/core_id": "0\n",
  "/sys/module/kvm/parameters/ignore_msrs": "N\n",
  "/var/lib/dpkg/status": [
    "libvirt-daemon-system",
    "libvirt-clients",
    "qemu-system-x86",
    "qemu-utils",
    "ovmf",
  ]
    .map(
      (name) =>
        `Package: ${name}\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: amd64\nVersion: 1\nDescription: stands for the real one\n\n`,
    )
    .join(""),
};

/** A GTX 1050 with its audio in a group of their own, a twin of another maker, and the board's own display. */
const FUNCTIONS = [
  { address: "0000:01:00.0", id: "10de:1c81", class: "030000", group: 13, driver: "nouveau", bootVga: "0" },
  { address: "0000:01:00.1", id: "10de:0fb9", class: "040300", group: 13, driver: "snd_hda_intel" },
  { address: "0000:02:00.0", id: "10de:1eb8", class: "030200", group: 14, driver: "nouveau" },
  { address: "0000:05:00.0", id: "8086:1533", class: "020000", group: 15, driver: "igb" },
  { address: "0000:08:00.0", id: "1a03:2000", class: "030000", group: 16, driver: "ast", bootVga: "1" },
] as const;

/** Fills a folder with all files of a host that are not programs. */
export const makeHostFiles = (root: string, name: string): void => {
  const folder = (path: string): void => void mkdirSync(join(root, path), { recursive: true });
  const file = (path: string, content: string): void => {
    folder(dirname(path));
    writeFileSync(join(root, path), content);
  };
  const link = (path: string, target: string): void => {
    folder(dirname(path));
    symlinkSync(target, join(root, path));
  };
  for (const path of ["dev", "run/libvirt", "tmp", "root", "var/tmp", "var/log", "usr/local/lib", "usr/sbin"])
    folder(path);
  for (const path of ["bin", "lib", "lib64", "share"]) folder(`usr/${path}`);
  for (const path of ["bin", "lib", "lib64", "sbin"]) link(`/${path}`, `usr/${path}`);
  folder(`lib-own/modules/${KERNEL}/kernel/drivers/vfio/pci`);
  for (const module of ["vfio", "vfio_iommu_type1", "pci/vfio-pci"])
    file(`/lib-own/modules/${KERNEL}/kernel/drivers/vfio/${module}.ko`, "");
  for (const [path, content] of Object.entries(FILES)) file(path, content);
  file("/proc/sys/kernel/hostname", `${name}\n`);
  file("/etc/hostname", `${name}\n`);
  folder("var/lib/dpkg/updates");
  file("/var/lib/dpkg/info/format", "1\n");
  for (const { address, id, class: pciClass, group, driver, ...more } of FUNCTIONS) {
    const at = `/sys/devices/pci0000:00/${address}`;
    const [vendor, device] = id.split(":");
    const attributes = {
      vendor: `0x${vendor}`,
      device: `0x${device}`,
      subsystem_vendor: "0x1043",
      subsystem_device: "0x85d8",
      class: `0x${pciClass}`,
      revision: "0xa1",
      numa_node: "-1",
      reset_method: "flr bus",
      own_driver: driver,
      ...("bootVga" in more && { boot_vga: more.bootVga }),
    };
    for (const [attribute, value] of Object.entries(attributes)) file(`${at}/${attribute}`, `${value}\n`);
    link(`/sys/bus/pci/devices/${address}`, at);
    folder(`sys/bus/pci/drivers/${driver}`);
    link(`${at}/driver`, `/sys/bus/pci/drivers/${driver}`);
    link(`/sys/bus/pci/drivers/${driver}/${address}`, at);
    link(`/sys/kernel/iommu_groups/${group}/devices/${address}`, at);
    link(`${at}/iommu_group`, `/sys/kernel/iommu_groups/${group}`);
  }
  link("/sys/class/iommu/dmar0", "/sys/devices/virtual/iommu/dmar0");
  folder("sys/devices/virtual/iommu/dmar0");
  for (const [program, lines] of Object.entries(STUBS)) {
    file(`/usr/sbin/${program}`, `#!/bin/sh\n${lines}\n`);
    chmodSync(join(root, "usr/sbin", program), 0o755);
  }
  // Debian's link to it leads through /etc.
  link("/etc/alternatives/awk", realpathSync("/usr/bin/awk"));
  // This folder comes first in PATH, so stand-ins in it hide programs in the machine's /usr/bin.
  folder("usr/local/sbin");
  for (const program of Object.keys(STUBS)) link(`/usr/local/sbin/${program}`, `/usr/sbin/${program}`);
};
