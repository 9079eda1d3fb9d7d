import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crowd } from "../support/crowd.ts";
import { FakeHost, SHELLS, type FakeFunction } from "../support/fake-host.ts";

const MIB = 2 ** 20;

const bar = (start: bigint, bytes: number, flags: string): string =>
  `0x${start.toString(16).padStart(16, "0")} 0x${(start + BigInt(bytes) - 1n).toString(16).padStart(16, "0")} 0x${flags.padStart(16, "0")}`;
const NO_BAR = `0x${"0".repeat(16)} 0x${"0".repeat(16)} 0x${"0".repeat(16)}`;

const card: readonly FakeFunction[] = [
  { address: "0000:00:01.0", id: "8086:2f02", class: "060400", group: 1, driver: "pcieport" },
  {
    address: "0000:03:00.0",
    id: "10de:1c81",
    class: "030000",
    under: "0000:00:01.0",
    group: 30,
    driver: "vfio-pci",
    files: {
      boot_vga: "1",
      reset_method: "flr bus",
      "hwmon/hwmon3/temp1_input": "45600",
      power_state: "D0",
      rom: "",
      resource: [
        bar(0xfa000000n, 16 * MIB, "40200"),
        bar(0xe0000000n, 256 * MIB, "14220c"),
        NO_BAR,
        bar(0xf0000000n, 32 * MIB, "14220c"),
        NO_BAR,
        NO_BAR,
      ].join("\n"),
      // 256 MiB to 4 GiB: bits 8 to 12
      resource1_resize: "0000000000001f00",
    },
  },
  {
    address: "0000:03:00.1",
    id: "10de:0fb9",
    class: "040300",
    under: "0000:00:01.0",
    group: 30,
    driver: "vfio-pci",
  },
];

const domain = (root: string): string => `<domstatus state='running' reason='booted' pid='4242'>
  <domain type='kvm'><name>win</name>
    <devices>
      <disk type='file'><source file='/srv/it&apos;s.qcow2'/></disk>
      <hostdev mode='subsystem' type='pci' managed='no'>
        <source><address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></source>
        <rom file='${root}/usr/share/vgabios/gtx1050.rom'/>
      </hostdev>
    </devices>
  </domain>
</domstatus>`;

let host: FakeHost;
beforeAll(() => {
  host = new FakeHost();
  host.functions([...card, ...crowd(200 - card.length)]);
  host.file("/sys/class/iommu/dmar0/name", "dmar0");
  host.file("/proc/sys/kernel/hostname", "xeon");
  host.file("/proc/sys/kernel/random/boot_id", "5f0c1f5e-6a52-4f0e-9b0f-0c6a3c0f9d11");
  host.file("/proc/sys/kernel/osrelease", "6.1.0-37-amd64");
  host.file("/proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-6.1.0-37-amd64 ro intel_iommu=on");
  host.file("/etc/os-release", 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"');
  host.file("/proc/cpuinfo", "vendor_id\t: GenuineIntel\nmodel name\t: Xeon\nflags\t\t: fpu vmx");
  for (const cpu of [0, 1, 2, 3]) {
    host.file(`/sys/devices/system/cpu/cpu${cpu}/topology/physical_package_id`, "0");
    host.file(`/sys/devices/system/cpu/cpu${cpu}/topology/core_id`, `${cpu >> 1}`);
  }
  host.file("/proc/meminfo", "MemTotal:       65000000 kB\nMemAvailable:   60000000 kB");
  host.file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8192");
  host.file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "8000");
  host.file(
    "/proc/modules",
    "nvidia 56000000 5 nvidia_uvm,nvidia_modeset, Live 0x0\nvfio_pci 16384 0 - Live 0x0",
  );
  for (const module of ["nvidia", "vfio_pci"]) host.file(`/sys/module/${module}/initstate`, "live");
  host.file("/sys/module/kvm/parameters/ignore_msrs", "Y");
  host.file("/sys/module/vfio_pci/parameters/ids", "10de:1c81,10de:0fb9");
  host.file("/sys/module/apparmor/parameters/enabled", "Y");
  host.file("/proc/uptime", "3601.52 14000.00");
  host.file("/proc/fb", "0 simpledrmdrmfb");
  host.file("/proc/iomem", "e0000000-efffffff : 0000:03:00.0\n  e0000000-e07e8fff : BOOTFB");
  host.file("/sys/class/dmi/id/chassis_type", "10");
  host.file("/sys/class/dmi/id/bios_version", "2.1a");
  host.file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet");
  host.file("/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm ");
  host.file(
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
    new Uint8Array([6, 0, 0, 0, 1]),
  );
  host.file("/etc/libvirt/qemu/win.xml", domain(host.root).split("\n").slice(1, -1).join("\n"));
  host.file("/run/libvirt/qemu/win.xml", domain(host.root));
  host.file(
    "/var/log/libvirt/qemu/win.log",
    [
      "2026-01-01 10:00:00.000+0000: starting up libvirt version: 9.0.0",
      "2026-01-01T10:00:01.000000Z qemu-system-x86_64: vfio: an old complaint",
      "2026-01-02 10:00:00.000+0000: starting up libvirt version: 9.0.0",
      '-device \'{"driver":"vfio-pci","host":"0000:03:00.0"}\' \\',
      "2026-01-02T10:00:01.000000Z qemu-system-x86_64: vfio 0000:03:00.0: group 30 is not viable",
    ].join("\n"),
  );
  // a ROM with nothing but an x86 image: 512 bytes, PCIR at 0x20
  const rom = Buffer.alloc(512);
  rom.set([0x55, 0xaa, 1], 0);
  rom.writeUInt16LE(0x20, 0x18);
  rom.write("PCIR", 0x20);
  rom.writeUInt16LE(0x10de, 0x24);
  rom.writeUInt16LE(0x1c81, 0x26);
  rom.writeUInt16LE(0x18, 0x2a);
  rom.set([0, 0, 3], 0x2d);
  rom.writeUInt16LE(1, 0x30);
  rom[0x35] = 0x80;
  rom[511] = (256 - (rom.reduce((sum, byte) => sum + byte, 0) & 0xff)) & 0xff;
  host.file("/usr/share/vgabios/gtx1050.rom", rom);
  host.file(
    "/etc/pve/qemu-server/100.conf",
    "name: games\nbios: ovmf\nhostpci0: 0000:03:00,pcie=1\n[old]\nhostpci1: 09:00.0",
  );
  host.file("/run/qemu-server/100.pid", "777");
  host.file("/proc/777/comm", "kvm");
  host.descriptor("/proc/777/fd/31", "/dev/vfio/30");
  host.file("/proc/778/comm", "python3 -m x");
  host.descriptor("/proc/778/fd/9", "/dev/nvidia0");
  host.file(
    "/proc/driver/nvidia/gpus/0000:03:00.0/information",
    "Model: \t\t GeForce GTX 1050\nDevice Minor: \t 0",
  );
  host.file("/proc/driver/nvidia/version", "NVRM version: 550");
  host.tool("nvidia-smi", "00000000:03:00.0, 51");
  host.tool(
    "dmesg",
    [
      "[    0.000000] Linux version 6.1.0-37-amd64",
      "[    0.012345] DMAR: IOMMU enabled",
      "[    1.500000] usb 1-1: new device",
      "[    5.678901] vfio-pci 0000:03:00.0: BAR 1: can't reserve [mem 0xe0000000-0xefffffff 64bit pref]",
    ].join("\n"),
  );
});
afterAll(() => host.remove());

describe.each(SHELLS)("the probe's own text under %s", (shell) => {
  test("a plan's question is answered without the survey", () => {
    const { facts } = host.probe(shell, {
      files: ["/etc/os-release", "/nowhere"],
      exists: ["/sys/kernel/iommu_groups", "/sys/firmware/acpi/tables/DMAR"],
      parameters: "kvm nothing",
    });
    expect(facts).toMatchObject({
      hostname: "xeon",
      kernel: "6.1.0-37-amd64",
      user: "op",
      distro: { id: "debian", version: "12", name: "Debian GNU/Linux 12 (bookworm)" },
      cpu: { vendor: "intel", virtualization: true, sockets: 1, cores: 2, threads: 2 },
      memoryKiB: 65_000_000,
      iommu: { units: ["dmar0"], groups: 199 },
      modules: ["nvidia", "vfio_pci"],
      moduleParameters: { kvm: { ignore_msrs: "Y" } },
      exists: ["/sys/kernel/iommu_groups"],
    });
    expect(facts.pci).toHaveLength(200);
    expect(facts.pci.find((device) => device.address === "0000:03:00.0")).toEqual({
      address: "0000:03:00.0",
      id: "10de:1c81",
      subsystem: "1043:85d8",
      class: "030000",
      revision: "a1",
      driver: "vfio-pci",
      iommuGroup: 30,
      bootVga: true,
      numaNode: -1,
      resetMethods: ["flr", "bus"],
      hasRom: true,
      powerState: "D0",
      bars: [
        { index: 0, bytes: 16 * MIB, prefetchable: false },
        { index: 1, bytes: 256 * MIB, prefetchable: true },
        { index: 3, bytes: 32 * MIB, prefetchable: true },
      ],
      parents: ["0000:00:01.0"],
    });
    expect(Object.keys(facts.files).filter((path) => path === "/etc/os-release")).toHaveLength(1);
    expect(facts.libvirt.domains).toEqual([
      expect.objectContaining({ name: "win", running: true, liveXml: expect.stringContaining("pid='4242'") }),
    ]);
    expect(facts.survey).toBeUndefined();
  });

  test("the survey tells what explains the host", () => {
    const { facts } = host.probe(shell, { survey: true, parameters: "*" });
    expect(facts.moduleParameters).toEqual({
      kvm: { ignore_msrs: "Y" },
      vfio_pci: { ids: "10de:1c81,10de:0fb9" },
      apparmor: { enabled: "Y" },
    });
    expect(facts.survey).toEqual({
      uptimeSeconds: 3602,
      machine: { firmware: "2.1a", laptop: true },
      secureBoot: true,
      apparmor: true,
      selinux: "off",
      clocksource: { current: "hpet", available: ["tsc", "hpet", "acpi_pm"] },
      memory: { availableKiB: 60_000_000, hugePages: [{ pageKiB: 2048, total: 8192, free: 8000 }] },
      framebuffers: ["simpledrmdrmfb"],
      bootFramebuffer: { name: "BOOTFB", card: "0000:03:00.0" },
      resizableBars: [
        { address: "0000:03:00.0", index: 1, bytes: [256, 512, 1024, 2048, 4096].map((size) => size * MIB) },
      ],
      moduleUse: {
        nvidia: { uses: 5, by: ["nvidia_uvm", "nvidia_modeset"] },
        vfio_pci: { uses: 0, by: [] },
      },
      kernelLog: {
        boot: ["[    0.000000] Linux version 6.1.0-37-amd64", "[    0.012345] DMAR: IOMMU enabled"],
        trouble: [expect.stringContaining("BAR 1: can't reserve")],
        complete: true,
      },
      domainLogs: {
        win: [
          "2026-01-02 10:00:00.000+0000: starting up libvirt version: 9.0.0",
          expect.stringContaining("group 30 is not viable"),
        ],
      },
      // the disk's name holds an escaped character: nothing is said about it rather than something wrong
      paths: { "/usr/share/vgabios/gtx1050.rom": true },
      roms: [
        expect.objectContaining({
          path: "/usr/share/vgabios/gtx1050.rom",
          bytes: 512,
          ids: ["10de:1c81"],
          ovmf: "unusable",
          seabios: "usable",
          problems: [expect.stringContaining("no EFI image")],
        }),
      ],
      proxmox: [
        {
          id: "100",
          name: "games",
          running: true,
          onboot: false,
          bios: "ovmf",
          machine: null,
          hostpci: ["0000:03:00"],
        },
      ],
      // busybox's find cannot look at link targets: unknown, not "nobody"
      ...(shell === "dash" && {
        holders: [
          { file: "/dev/vfio/30", pid: 777, command: "kvm" },
          { file: "/dev/nvidia0", pid: 778, command: "python3 -m x" },
        ],
      }),
      nvidia: [{ address: "0000:03:00.0", model: "GeForce GTX 1050", minor: 0 }],
      temperatures: [{ address: "0000:03:00.0", celsius: 46 }],
    });
  });

  test("a watch tells what changes: holders, temperatures, the kernel's log, and nothing costly", () => {
    const { facts } = host.probe(shell, { survey: "watch" });
    expect(facts.survey).toMatchObject({
      temperatures: [
        { address: "0000:03:00.0", celsius: 46 },
        { address: "0000:03:00.0", celsius: 51 },
      ],
      kernelLog: { trouble: [expect.stringContaining("BAR 1: can't reserve")] },
      proxmox: [{ id: "100", running: true }],
    });
    expect(facts.survey?.roms).toEqual([]);
    expect(facts.survey?.resizableBars).toEqual([]);
    expect(facts.libvirt.domains).toHaveLength(1);
  });

  test("what a plain user may not see is unknown, not absent", () => {
    const closed = new FakeHost();
    closed.functions(card);
    closed.file("/proc/sys/kernel/hostname", "xeon");
    closed.file("/proc/sys/kernel/random/boot_id", "1");
    closed.file("/proc/sys/kernel/osrelease", "6.1.0-37-amd64");
    closed.file("/proc/iomem", "00000000-00000000 : 0000:03:00.0\n  00000000-00000000 : BOOTFB");
    closed.brokenTool("dmesg");
    const { facts } = closed.probe(shell, { survey: true, privilege: "none" });
    closed.remove();
    expect(facts.privilege).toBe("none");
    expect(Object.keys(facts.survey ?? {}).sort()).toEqual([
      "apparmor",
      "framebuffers",
      "machine",
      "memory",
      "moduleUse",
      "nvidia",
      "resizableBars",
      "secureBoot",
      "selinux",
      "temperatures",
    ]);
  });

  test("of a file that is no text its digest is told, whatever bytes it holds", () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => (at * 7) % 256);
    host.file("/usr/share/qemu/vfio-fleet/card.rom", bytes);
    const path = "/usr/share/qemu/vfio-fleet/card.rom";
    const { facts } = host.probe(shell, { files: [path, "/etc/os-release"] });
    expect(facts.files[path]).toMatchObject({
      sha256: createHash("sha256").update(bytes).digest("hex"),
      content: "(70000 bytes, no text)",
    });
    expect(facts.files["/etc/os-release"]?.content).toContain("Debian");
  });

  test("what stands at the paths of disks and media, and how large a guest sees it", () => {
    const volume = (path: string): string => `<pool type='dir'><target><path>${path}</path></target></pool>`;
    host.file("/etc/libvirt/storage/fast.xml", volume(`${host.root}/srv/fast`));
    const image = Buffer.alloc(4096);
    image.write("QFI\u{fb}", "latin1");
    image.writeBigUInt64BE(5n * 2n ** 40n, 24);
    host.file("/srv/fast/a volume.qcow2", image);
    host.file("/srv/disk.raw", new Uint8Array(70_000));
    const iso = Buffer.alloc(40_000);
    iso.write("CD001", 32_769);
    host.file("/srv/x & y.iso", iso);
    const udf = Buffer.alloc(40_000);
    udf.write("BEA01", 32_769);
    host.file("/srv/udf.iso", udf);
    host.file("/srv/empty.iso", new Uint8Array());
    const { facts } = host.probe(shell, {
      look: [
        "/srv/x & y.iso",
        "/srv/udf.iso",
        "/srv/empty.iso",
        "/srv/none.iso",
        "/srv/disk.raw",
        "pool/fast/a volume.qcow2",
        "pool/none/x",
        "/srv/fast",
        "/dev/null",
      ],
    });
    const stamp = expect.stringMatching(/^\d+:\d+:\d+$/);
    expect(facts.looked).toEqual({
      "/srv/x & y.iso": { kind: "iso", bytes: 40_000, stamp },
      "/srv/udf.iso": { kind: "iso", bytes: 40_000, stamp },
      "/srv/empty.iso": { kind: "file", bytes: 0, stamp },
      "/srv/disk.raw": { kind: "file", bytes: 70_000, stamp },
      "/srv/fast/a volume.qcow2": { kind: "file", bytes: 5 * 2 ** 40, stamp },
      "/srv/fast": { kind: "directory" },
      "/dev/null": { kind: "character" },
    });
    expect(facts.libvirt.domains.map(({ name }) => name)).toContain("win");
  });
});

test("the number of processes does not grow with the number of devices", () => {
  const programs = (devices: number): number => {
    const small = new FakeHost();
    small.functions([...card, ...crowd(devices)]);
    for (const path of ["hostname", "random/boot_id", "osrelease"])
      small.file(`/proc/sys/kernel/${path}`, "x");
    const count = small.countPrograms();
    const { facts } = small.probe("dash", { survey: true, parameters: "*" });
    expect(facts.pci).toHaveLength(card.length + devices);
    const started = count();
    small.remove();
    return started;
  };
  const few = programs(8);
  expect(few).toBeGreaterThan(10);
  expect(programs(64)).toBe(few);
});
