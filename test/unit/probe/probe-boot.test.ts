import { afterEach, describe, expect, test } from "vitest";
import { FakeHost, SHELLS } from "../support/fake-host.ts";

let host: FakeHost;
afterEach(() => host.remove());

const start = (): void => {
  host = new FakeHost();
  host.file("/proc/sys/kernel/hostname", "xeon");
  host.file("/proc/sys/kernel/random/boot_id", "1");
  host.file("/proc/sys/kernel/osrelease", "6.1.0-37-amd64");
  host.file("/proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu pse pdpe1gb vmx");
};

// busybox alone brings no dpkg-query
test("packages of Arch, asked of pacman", () => {
  start();
  host.tool("pacman", "libvirt 1:11.9.0-1");
  const { facts } = host.probe("busybox", { packages: "libvirt edk2-ovmf" });
  expect(facts.packages).toEqual({ libvirt: "1:11.9.0-1" });
});

describe.each(SHELLS)("what a boot configuration is planned from, with %s", (shell) => {
  test("modules that are asked about: compiled in or not, and what they take", () => {
    start();
    host.tool(
      "modinfo",
      `filename:       /lib/modules/6.1.0-37-amd64/kernel/arch/x86/kvm/kvm.ko
alias:          devname:kvm
name:           kvm
parm:           halt_poll_ns:uint
parm:           ignore_msrs:bool
parm:           lapic_timer_advance_ns:Advance (in ns), -1 adapts (int)
name:           vfio_pci
filename:       (builtin)
parm:           ids:Initial PCI IDs to add to the vfio driver, format is "vendor:device" (string)
filename:       /lib/modules/6.1.0-37-amd64/kernel/sound/snd-hda-intel.ko.xz
parm:           index:Index value for Intel HD audio interface. (array of int)
name:           snd_hda_intel`,
    );
    const { facts } = host.probe(shell, { modinfo: "kvm vfio_pci snd_hda_intel" });
    expect(facts.moduleInfo).toEqual({
      kvm: {
        builtin: false,
        parameters: { halt_poll_ns: "uint", ignore_msrs: "bool", lapic_timer_advance_ns: "int" },
      },
      vfio_pci: { builtin: true, parameters: { ids: "string" } },
      snd_hda_intel: { builtin: false, parameters: { index: "array of int" } },
    });
    expect(facts.cpu.hugePages).toEqual(["2M", "1G"]);
  });

  test("kernel functions that are asked about", () => {
    start();
    host.file("/proc/kallsyms", "ffffffff82b1d0c0 t pcie_acs_override_setup\nffffffff82b1d0d0 T pci_setup");
    const { facts } = host.probe(shell, { symbols: "pcie_acs_override_setup pci_acs_other" });
    expect(facts.symbols).toEqual(["pcie_acs_override_setup"]);
    expect(host.probe(shell).facts.symbols).toEqual([]);
  });

  test.each([
    ["reads drop-ins", "for x in ${sysconfdir}/default/grub.d/*.cfg ; do", true],
    ["knows /etc/default/grub alone", ". ${sysconfdir}/default/grub", false],
  ])("a grub-mkconfig that %s", (_, line, expected) => {
    start();
    host.file("/usr/sbin/grub-mkconfig", `#!/bin/sh\n${line}`);
    expect(host.probe(shell).facts.boot.grubDropIns).toBe(expected);
  });

  test.each(["linux", "linuxefi"])("the menu's entries and their lines that begin with %s", (command) => {
    start();
    host.file("/boot/grub/grub.cfg", `menuentry 'A' {\n\techo x\n\t${command}\t/vmlinuz ro\n}`);
    expect(host.probe(shell).facts.boot.grubLinux).toEqual(["menuentry 'A' {", `${command}\t/vmlinuz ro`]);
  });

  test("without grub-mkconfig nothing is said; what /boot lies on", () => {
    start();
    host.file("/proc/self/mountinfo", "25 1 253:0 / / rw,relatime shared:1 - ext4 /dev/mapper/pve-root rw");
    const { facts } = host.probe(shell);
    expect(facts.boot.grubDropIns).toBeUndefined();
    expect(facts.boot).toMatchObject({ bootFilesystem: "ext4", bootDevice: "/dev/mapper/pve-root" });
    expect(facts.boot.freeBytes).toBeGreaterThan(0);
  });

  test("the PCI devices below a root file system: an NVMe namespace with two controllers, below a mapped device", () => {
    start();
    const subsystem = "/sys/devices/virtual/nvme-subsystem/nvme-subsys0";
    host.file("/proc/self/mountinfo", "25 1 253:0 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw");
    host.file("/sys/devices/virtual/block/dm-0/dev", "253:0");
    host.file(`${subsystem}/nvme0n1/nvme0n1p2/dev`, "259:2");
    host.link("/sys/dev/block/253:0", "/sys/devices/virtual/block/dm-0");
    host.link("/sys/devices/virtual/block/dm-0/slaves/nvme0n1p2", `${subsystem}/nvme0n1/nvme0n1p2`);
    for (const [controller, address] of [
      ["nvme0", "0000:02:00.0"],
      ["nvme1", "0000:04:00.0"],
    ] as const) {
      const device = `/sys/devices/pci0000:00/${address}/nvme/${controller}`;
      host.file(`${device}/state`, "live");
      host.link(`${subsystem}/${controller}`, device);
    }
    expect(host.probe(shell).facts.carriers).toEqual([
      { address: "0000:02:00.0", what: "/" },
      { address: "0000:04:00.0", what: "/" },
    ]);
  });

  test("where virtual functions would appear", () => {
    start();
    host.functions([
      {
        address: "0000:06:00.0",
        id: "8086:1572",
        class: "020000",
        files: {
          sriov_totalvfs: "64",
          sriov_numvfs: "0",
          sriov_offset: "16",
          sriov_stride: "1",
          sriov_vf_device: "154c",
        },
      },
    ]);
    expect(host.probe(shell).facts.pci[0]?.sriov).toEqual({
      total: 64,
      active: 0,
      offset: 16,
      stride: 1,
      device: "154c",
    });
  });
});
