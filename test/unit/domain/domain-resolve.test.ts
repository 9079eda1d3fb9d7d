import { describe, expect, test } from "vitest";
import { domainConflicts } from "../../../components/plan/domain/resolve/conflicts.ts";
import { hostCard, hostResources } from "../../../components/plan/domain/resolve/context.ts";
import { resolveDomain } from "../../../components/plan/domain/resolve/resolve.ts";
import { domainSchema } from "../../../components/plan/domain/spec/schema.ts";
import { liveVncPort, screenAdvice, screenWarning } from "../../../components/plan/domain/screen.ts";
import type { DomainContext } from "../../../components/plan/domain/resolve/context.ts";
import type { DomainInput } from "../../../components/plan/domain/spec/schema.ts";
import {
  card,
  context,
  existing,
  full,
  minimal,
  problemsOf,
  render,
  resolve,
} from "../../fixtures/domain.ts";
import { address, xeonFacts } from "../../fixtures/xeon.ts";

type Case = readonly [
  what: string,
  input: Partial<DomainInput>,
  given: Partial<DomainContext>,
  problems: readonly string[],
];

const small = { ...context().resources, cpus: [0, 1, 2, 3], memoryMiB: 4096, numaNodes: [] };
const pins = (...vcpus: (string | number)[]) => ({ vcpus });
const eight = (from: number): number[] => Array.from({ length: 8 }, (_, index) => from + index);

describe("each problem is one line with the found and the expected value", () => {
  test.each<Case>([
    [
      "memory",
      {},
      { resources: { ...context().resources, memoryMiB: 8192 } },
      ["domains.win.memory: 8 GiB is wanted, the host has 8 GiB, of which it needs some itself"],
    ],
    [
      "CPUs",
      {},
      { resources: { ...context().resources, cpus: [0, 1, 2, 3] } },
      ["domains.win.topology: 1 x 4 x 2 = 8 CPUs are more than the 4 of the host (0-3)"],
    ],
    [
      "topology",
      { vcpus: 6 },
      {},
      ["domains.win.topology: sockets x cores x threads is 1 x 4 x 2 = 8, but vcpus is 6"],
    ],
    ["pin count", { pinning: pins(0, 1) }, {}, ["domains.win.pinning.vcpus: pins 2 CPUs, the guest has 8"]],
    [
      "pin outside the host",
      { pinning: { vcpus: [0, 1, 2, 3, 4, 5, 12, "12,99-101"], emulator: "77" } },
      {},
      [
        "domains.win.pinning.vcpus.7: the host has no CPU 99-101; it has 0-23",
        "domains.win.pinning.emulator: the host has no CPU 77; it has 0-23",
      ],
    ],
    [
      "pin on another NUMA node than the card",
      { pinning: { vcpus: eight(4), memoryNode: 1 } },
      {},
      [
        "domains.win.pinning.vcpus: card gtx1050 sits on NUMA node 0; CPUs 6-11 are on node 1",
        "domains.win.pinning.memoryNode: card gtx1050 sits on NUMA node 0, the memory would come from node 1",
      ],
    ],
    [
      "QEMU's own threads on another NUMA node than the card",
      { pinning: { vcpus: [0, 1, 2, 3, 4, 5, 12, 13], emulator: "5-6", iothreads: [1, "18"] }, iothreads: 2 },
      {},
      [
        "domains.win.pinning.emulator: card gtx1050 sits on NUMA node 0; CPUs 6 are on node 1",
        "domains.win.pinning.iothreads.1: card gtx1050 sits on NUMA node 0; CPUs 18 are on node 1",
      ],
    ],
    [
      "... unless accepted",
      { pinning: { vcpus: eight(4), emulator: "6", memoryNode: 1, crossNode: true } },
      {},
      [],
    ],
    [
      "memory of a node",
      { memory: "40 GiB", pinning: { vcpus: [0, 1, 2, 3, 4, 5, 12, 13], memoryNode: 0 } },
      {},
      ["domains.win.pinning.memoryNode: NUMA node 0 has 32 GiB, the guest wants 40 GiB"],
    ],
    [
      "no such node",
      { pinning: { vcpus: [0, 1, 2, 3, 4, 5, 12, 13], memoryNode: 4, crossNode: true } },
      {},
      ["domains.win.pinning.memoryNode: the host has no NUMA node 4; it has 0, 1"],
    ],
    [
      "I/O threads",
      { pinning: { vcpus: [0, 1, 2, 3, 4, 5, 12, 13], iothreads: [0, 1] }, iothreads: 1 },
      {},
      ["domains.win.pinning.iothreads: pins 2 I/O threads, there are 1"],
    ],
    [
      "huge pages do not divide the memory",
      { memory: "1.5 GiB", hugepages: "1 GiB" },
      {},
      ["domains.win.hugepages: 1536 MiB is no whole number of pages of 1 GiB"],
    ],
    [
      "huge pages not reserved",
      { hugepages: "2 MiB" },
      { resources: { ...context().resources, hugepages: { "2 MiB": 512 } } },
      ["domains.win.hugepages: 8 GiB needs 4096 pages of 2 MiB, the host has reserved 512"],
    ],
    [
      "memory that is set aside in huge pages",
      { memory: "33 GiB" },
      { resources: { ...context().resources, hugepages: { "1 GiB": 32 } } },
      [
        "domains.win.memory: 33 GiB is wanted, the host has 64 GiB, of which 32 GiB are set aside in huge pages",
      ],
    ],
    [
      "... goes to a guest that asks for them",
      { memory: "32 GiB", hugepages: "1 GiB" },
      { resources: { ...context().resources, hugepages: { "1 GiB": 32 } } },
      [],
    ],
    [
      "no OVMF",
      {},
      { firmware: [] },
      ["domains.win.firmware: the host has no OVMF image without Secure Boot for i440fx; found: none"],
    ],
    [
      "no OVMF with Secure Boot",
      { profile: "windows-11" },
      { firmware: context().firmware.slice(0, 1) },
      [
        "domains.win.firmware: the host has no OVMF image with Secure Boot for q35; found: /usr/share/OVMF/OVMF_CODE_4M.fd",
      ],
    ],
    [
      "Secure Boot without SMM",
      { profile: "windows-11", machine: "i440fx" },
      {},
      ["domains.win.machine: Secure Boot needs a q35 machine; this one is i440fx"],
    ],
    [
      "no swtpm",
      { profile: "windows-11" },
      { swtpm: false },
      ["domains.win.tpm: tpm-crb is emulated by swtpm, which the host does not have"],
    ],
    [
      "CPU mode",
      { virtualization: "qemu", cpu: { mode: "host-passthrough" } },
      {},
      ["domains.win.cpu.mode: host-passthrough needs KVM, and virtualization is qemu"],
    ],
    [
      "caches",
      { cpu: { mode: "host-model", cachePassthrough: true } },
      {},
      [
        "domains.win.cpu.cachePassthrough: the host's caches can be shown only with cpu.mode host-passthrough; it is host-model",
      ],
    ],
    [
      "enlightenments",
      { hyperv: { enlightenments: ["stimer", "evmcs"] } },
      { resources: { ...context().resources, cpuVendor: "amd" } },
      [
        "domains.win.hyperv.enlightenments: stimer needs vpindex and synic beside it",
        "domains.win.hyperv.enlightenments: evmcs needs vapic beside it",
        "domains.win.hyperv.enlightenments: stimer needs the hyperv clock",
        "domains.win.hyperv.enlightenments: evmcs is for Intel CPUs; the host's is AMD",
      ],
    ],
    [
      "guests of guests",
      { hyperv: { enlightenments: ["vapic", "evmcs"] } },
      { resources: { ...context().resources, nested: false } },
      [
        "domains.win.hyperv.enlightenments: evmcs is for guests that run guests, which the host's kvm_intel has switched off",
      ],
    ],
    [
      "unknown card",
      { gpus: ["gtx1050", "voodoo"] },
      {},
      ['domains.win.gpus: there is no card "voodoo"; known: gtx1050, gtx1060, rtx'],
    ],
    [
      "a card's name that objects have by themselves",
      { gpus: ["constructor"] },
      {},
      ['domains.win.gpus: there is no card "constructor"; known: gtx1050, gtx1060, rtx'],
    ],
    [
      "a card that is not there",
      {},
      { cards: { gtx1050: card("03", {}, 0) } },
      ['domains.win.gpus: card "gtx1050" has no function on the host'],
    ],
    [
      "no free card",
      { gpus: { any: 2 } },
      { assigned: ["rtx"] },
      ["domains.win.gpus.any: 2 cards are wanted, 1 could be had (rtx)"],
    ],
    [
      "pool",
      { disks: [{ type: "volume", pool: "tank", sizeGiB: 1 }] },
      {},
      ['domains.win.disks.0.pool: there is no pool "tank"; known: default, vg0'],
    ],
    [
      "qcow2 on a device",
      { disks: [{ type: "volume", pool: "vg0", sizeGiB: 1, format: "qcow2" }] },
      {},
      ['domains.win.disks.0.format: pool "vg0" holds devices, which are raw'],
    ],
    [
      "second volume without a name",
      {
        disks: [
          { type: "volume", sizeGiB: 1 },
          { type: "volume", sizeGiB: 2 },
        ],
      },
      {},
      ["domains.win.disks.1.name: only the first volume of a domain is named after it"],
    ],
    [
      "one disk twice, by two ways",
      {
        disks: [
          { type: "volume", sizeGiB: 1 },
          { type: "file", path: "/var/lib/libvirt/images/win.qcow2", format: "qcow2" },
        ],
      },
      {},
      ["domains.win.disks: /var/lib/libvirt/images/win.qcow2 is listed more than once"],
    ],
    [
      "targets",
      {
        disks: [
          { type: "lvm", device: "/dev/vg0/a", target: "sdb" },
          { type: "lvm", device: "/dev/vg0/b", target: "vdb" },
          { type: "lvm", device: "/dev/vg0/c", target: "vdb" },
        ],
      },
      {},
      [
        "domains.win.disks: vdb is the target of more than one disk",
        "domains.win.disks.0.target: sdb is no place of bus virtio on i440fx",
      ],
    ],
    [
      "IDE on q35",
      { machine: "q35", disks: [{ type: "lvm", device: "/dev/vg0/a", bus: "ide" }] },
      {},
      ["domains.win.disks.0: ide has 0 places on q35, and all are taken"],
    ],
    [
      "an installation medium's place",
      {
        disks: [{ type: "lvm", device: "/dev/vg0/a", bus: "ide", target: "hdd" }],
        install: { iso: "/a.iso" },
      },
      {},
      ["domains.win.disks: hdd is the place of an installation medium"],
    ],
    [
      "too many drives",
      {
        install: { iso: "/a.iso", virtioIso: "/b.iso", autounattend: "/c.iso" },
        cdroms: ["empty", "/d.iso"],
      },
      {},
      ["domains.win.cdroms.1: ide has 4 places on i440fx, and all are taken"],
    ],
    [
      "native I/O through the page cache",
      { disks: [{ type: "lvm", device: "/dev/vg0/a", io: "native", cache: "writeback" }] },
      {},
      ["domains.win.disks.0.io: native does not go with cache: writeback"],
    ],
    ["no disks", { disks: undefined }, {}, ["domains.win.disks: no disks are given"]],
    [
      "network and bridge",
      {
        networks: [
          { type: "network", network: "lan" },
          { type: "bridge", bridge: "br9" },
        ],
      },
      {},
      [
        'domains.win.networks.0.network: the host has no network "lan"; it has: default',
        'domains.win.networks.1.bridge: the host has no bridge "br9"; it has: br0',
      ],
    ],
    [
      "MAC addresses",
      {
        networks: [
          { type: "network", mac: "52:54:00:00:00:01" },
          { type: "network", mac: "52:54:00:00:00:01" },
        ],
      },
      {},
      ["domains.win.networks: 52:54:00:00:00:01 is the address of more than one interface"],
    ],
    [
      "room on i440fx",
      { networks: Array.from({ length: 5 }, () => ({ type: "network" as const })) },
      {},
      ["domains.win.networks: 5 interfaces, i440fx has places for 4"],
    ],
    [
      "USB without a controller",
      { usb: { controller: "none", devices: [{ id: "046d:c52b" }] } },
      {},
      ["domains.win.usb.devices: USB devices need a USB controller, and usb.controller is none"],
    ],
    [
      "tags",
      {
        sharedFolders: [
          { type: "9p", source: "/a", tag: "x" },
          { type: "9p", source: "/b", tag: "x" },
        ],
      },
      {},
      ['domains.win.sharedFolders: tag "x" is there more than once'],
    ],
    [
      "missing ISO, wrong kinds",
      {
        install: { iso: "/srv/win.iso", virtioIso: "/srv/virtio.iso" },
        disks: [{ type: "block", device: "/dev/disk/by-id/x" }],
      },
      { paths: { "/srv/win.iso": "absent", "/srv/virtio.iso": "file", "/dev/disk/by-id/x": "directory" } },
      [
        "domains.win.disks.0.device: /dev/disk/by-id/x: expected a block device on the host, found a folder",
        "domains.win.install.iso: /srv/win.iso: expected an ISO image on the host, found nothing there",
        "domains.win.install.virtioIso: /srv/virtio.iso: expected an ISO image on the host, found a file",
      ],
    ],
    [
      "an existing volume that is not there",
      { disks: [{ type: "existing-volume", name: "old.qcow2", format: "qcow2" }] },
      { paths: { "/var/lib/libvirt/images/old.qcow2": "absent" } },
      [
        "domains.win.disks.0.name: /var/lib/libvirt/images/old.qcow2: expected a file on the host, found nothing there",
      ],
    ],
    [
      "versions",
      {
        virtualization: "qemu",
        evdev: [{ device: "/dev/input/event3" }],
        sharedFolders: [{ type: "virtiofs", source: "/a", tag: "a" }],
      },
      { versions: { libvirt: "6.0.0", qemu: "4.2.1" } },
      [
        "domains.win.evdev: evdev input needs libvirt 7.4.0, the host has 6.0.0",
        "domains.win.sharedFolders: virtiofs needs libvirt 6.2.0, the host has 6.0.0",
        "domains.win.cpu.mode: CPU mode maximum needs libvirt 7.1.0, the host has 6.0.0",
      ],
    ],
    [
      "a patch that finds nothing",
      {
        patch: [
          { path: "devices/sound", remove: true },
          { path: "devices/hostdev/driver/@name", set: "kvm" },
        ],
      },
      {},
      [
        "domains.win.patch.0: devices/sound: there is no such <sound> to remove",
        "domains.win.patch.1: devices/hostdev/driver/@name: <hostdev> is there 2 times: say which, as [1]",
      ],
    ],
  ])("%s", (_, input, given, problems) => {
    expect(problemsOf({ ...minimal, ...input }, given)).toEqual(problems);
  });
});

test("all problems at once, each with a remedy", () => {
  const resolved = resolveDomain(
    domainSchema.parse({
      ...full,
      gpus: ["voodoo"],
      vcpus: 7,
      networks: [{ type: "bridge", bridge: "br9" }],
    }),
    context({ resources: small, firmware: [], swtpm: false, pools: {} }),
  );
  const problems = resolved.ok ? [] : resolved.problems;
  expect(new Set(problems.map(({ path }) => path.replace("domains.win.", "")))).toEqual(
    new Set([
      "gpus",
      "topology",
      "disks.0.pool",
      "disks.1.pool",
      "disks.2.pool",
      "networks.0.bridge",
      "firmware",
      "tpm",
      "memory",
      // Guest CPUs 0 and 2 are pinned to CPUs of this host.
      ...[1, 3, 4, 5, 6, 7].map((vcpu) => `pinning.vcpus.${vcpu}`),
      "pinning.emulator",
      "pinning.iothreads.0",
      "pinning.memoryNode",
    ]),
  );
  for (const { remedy } of problems) expect(remedy).toMatch(/\w{3,}/);
});

describe("a domain that exists on the host", () => {
  const handmade = existing(render(minimal).replace(/<metadata>.*<\/metadata>/s, ""));
  const bios = existing(
    render(minimal)
      .replace(/<metadata>.*<\/metadata>/s, "")
      .replace(/<loader.*<\/nvram>/s, ""),
  );
  test("made by hand: refused until adopted", () => {
    expect(problemsOf(minimal, { existing: handmade })).toEqual([
      "domains.win: the host has a domain of this name that was made by hand",
    ]);
    expect(problemsOf({ ...minimal, adopt: true }, { existing: handmade })).toEqual([]);
  });
  test("another stack's: refused until adopted", () => {
    const other = existing(render(minimal, { stack: "office" }));
    expect(problemsOf(minimal, { existing: other })).toEqual([
      'domains.win: the host has a domain of this name that belongs to stack "office", host "xeon"',
    ]);
    expect(problemsOf({ ...minimal, adopt: true }, { existing: other })).toEqual([]);
  });
  test("its TPM stays after adoption, unless the stack says otherwise", () => {
    const sealed = (more: string) =>
      existing(
        render({ ...minimal, tpm: "tpm-tis" })
          .replace(/<metadata>.*<\/metadata>/s, "")
          .replace(/version="2.0"/, more),
      );
    const stored = sealed('version="2.0"');
    expect(resolve({ ...minimal, adopt: true }, { existing: stored }).tpm).toBe("tpm-tis");
    expect(resolve({ ...minimal, adopt: true, tpm: "none" }, { existing: stored }).tpm).toBe("none");
    const old = { existing: sealed('version="1.2"') };
    expect(problemsOf({ ...minimal, adopt: true }, old)).toEqual([
      expect.stringMatching(/^domains\.win\.tpm: the domain has a TPM of a kind that no field describes/),
    ]);
    expect(resolve({ ...minimal, adopt: true, tpm: "none" }, old).tpm).toBe("none");
    expect(resolve({ ...minimal, adopt: true }, { existing: handmade }).tpm).toBe("none");
  });
  test("by BIOS: refused, its guest would not start", () => {
    expect(problemsOf({ ...minimal, adopt: true }, { existing: bios })).toEqual([
      "domains.win.firmware: the domain that the host has boots by BIOS; its guest would not start under UEFI",
    ]);
  });
  test("nothing to adopt and no disks", () => {
    expect(problemsOf({ profile: "reference", adopt: true })).toEqual([
      "domains.win.disks: the host has no domain of this name to take the disks from",
    ]);
  });
  test("its NVRAM and firmware stay while the image exists; Secure Boot cannot change under them", () => {
    const q35 = { ...minimal, machine: "q35" } as const;
    const stored = existing(render({ ...q35, firmware: { nvram: "/srv/nvram/x.fd" } }));
    expect(resolve({ ...q35 }, { existing: stored }).firmware).toMatchObject({
      code: "/usr/share/OVMF/OVMF_CODE_4M.fd",
      nvram: "/srv/nvram/x.fd",
    });
    expect(problemsOf({ ...q35, firmware: { secureBoot: true } }, { existing: stored })).toEqual([
      "domains.win.firmware.secureBoot: the domain's NVRAM was made without Secure Boot (/usr/share/OVMF/OVMF_CODE_4M.fd), with is wanted",
    ]);
    expect(
      resolve({ ...q35, firmware: { secureBoot: true, nvram: "/srv/nvram/y.fd" } }, { existing: stored })
        .firmware,
    ).toMatchObject({ code: "/usr/share/OVMF/OVMF_CODE_4M.ms.fd", nvram: "/srv/nvram/y.fd", smm: true });
  });
  test("an image that an upgrade removed is replaced by one with the same features", () => {
    const stored = existing(render(minimal).replaceAll("/usr/share/OVMF/", "/usr/share/old/"));
    expect(resolve(minimal, { existing: stored }).firmware.code).toBe("/usr/share/OVMF/OVMF_CODE_4M.fd");
  });
});

describe("domains of one host together", () => {
  const at = (name: string, more: Partial<DomainInput>, bus = "03") =>
    resolve(
      { ...minimal, ...more },
      { name, cards: { gtx1050: card("03"), gtx1060: card("82"), mine: card(bus) } },
    );
  const lines = (domains: Parameters<typeof domainConflicts>[0], resources = context().resources): string[] =>
    domainConflicts(domains, resources).map(({ path, problem }) => `${path}: ${problem}`);
  test("many domains may list one card, but only one of them may be set to run", () => {
    expect(lines([at("a", {}), at("b", { autostart: true }), at("c", {})])).toEqual([]);
    expect(lines([at("a", { state: "running" }), at("b", { autostart: true })])).toEqual([
      "domains.b.gpus: card gtx1050 (0000:03:00.0) is also listed by a, and both are to run (a state: running, b autostart: true)",
    ]);
    expect(lines([at("a", { state: "running" }), at("b", { autostart: true, gpus: ["gtx1060"] })])).toEqual(
      [],
    );
  });
  test("disks, ports and memory", () => {
    const shared = {
      state: "running",
      memory: "40 GiB",
      graphics: { type: "vnc", port: 5901 },
      disks: [{ type: "lvm", device: "/dev/vg0/x" }],
    } as const;
    const two = [
      at("a", { ...shared, disks: [...shared.disks], gpus: [] }),
      at("b", { ...shared, disks: [...shared.disks], gpus: [] }),
    ];
    expect(lines(two)).toEqual([
      "domains.b.disks: /dev/vg0/x is also listed by a, and both are to run (a state: running, b state: running)",
      "domains.b.graphics.port: port 5901 is also listed by a, and both are to run (a state: running, b state: running)",
      "domains: the domains that are to run want 80 GiB together (a 40 GiB, b 40 GiB), the host has 64 GiB",
    ]);
  });
  test("devices that only one guest can have", () => {
    const shared = {
      autostart: true,
      gpus: [],
      usb: { devices: [{ id: "046d:c52b" }] },
      evdev: [{ device: "/dev/input/by-id/kbd" }],
      lookingGlass: { name: "frames" },
    } satisfies Partial<DomainInput>;
    const both = "is also listed by a, and both are to run (a autostart: true, b autostart: true)";
    expect(lines([at("a", shared), at("b", shared)])).toEqual([
      `domains.b.usb.devices: USB device 046d:c52b ${both}`,
      `domains.b.evdev: /dev/input/by-id/kbd ${both}`,
      `domains.b.lookingGlass.name: /dev/shm/frames ${both}`,
    ]);
    expect(lines([at("a", shared), at("b", { ...shared, autostart: false })])).toEqual([]);
  });
  test("huge pages and the remaining memory are shared", () => {
    const resources = { ...context().resources, hugepages: { "1 GiB": 32 } };
    const own = { state: "running", gpus: [], memory: "20 GiB" } satisfies Partial<DomainInput>;
    const paged = { ...own, hugepages: "1 GiB" } satisfies Partial<DomainInput>;
    expect(lines([at("a", paged), at("b", own)], resources)).toEqual([]);
    expect(lines([at("a", paged), at("b", paged)], resources)).toEqual([
      "domains: the domains that are to run want 40 GiB in pages of 1 GiB together (a 20 GiB, b 20 GiB), the host has reserved 32 GiB",
    ]);
    expect(lines([at("a", own), at("b", own)], resources)).toEqual([
      "domains: the domains that are to run want 40 GiB together (a 20 GiB, b 20 GiB), the host has 64 GiB, of which 32 GiB are set aside in huge pages",
    ]);
    expect(lines([at("a", own), at("b", own)])).toEqual([]);
  });
  test("NVRAM, volumes and MAC addresses are never shared", () => {
    const own = {
      firmware: { nvram: "/srv/x.fd" },
      disks: [{ type: "volume", name: "v.qcow2", sizeGiB: 1 }],
      networks: [{ type: "network", mac: "52:54:00:00:00:01" }],
    } satisfies Partial<DomainInput>;
    expect(lines([at("a", own), at("b", own)])).toEqual([
      "domains.b.firmware.nvram: /srv/x.fd is also listed by a",
      "domains.b.networks: MAC address 52:54:00:00:00:01 is also listed by a",
      "domains.b.disks: volume v.qcow2 of pool default is also listed by a",
    ]);
  });
});

test("the notes name the screen's address, and that it goes dark", () => {
  const ssh = { user: "root", host: "192.0.2.10", port: 2222 };
  expect(screenAdvice(resolve(minimal), ssh, 5900)).toEqual([
    "ssh -N -p 2222 -L 5900:127.0.0.1:5900 root@192.0.2.10",
    "Then point a VNC viewer at 127.0.0.1:5900.",
    expect.stringContaining("goes dark once the card's driver starts in the guest: that is expected"),
  ]);
  expect(screenAdvice(resolve(minimal), ssh)[0]).toContain("virsh vncdisplay win");
  expect(screenAdvice(resolve({ ...minimal, gpus: [], graphics: { type: "none" } }), ssh)).toHaveLength(1);
  const open = resolve({ ...minimal, gpus: [], graphics: { type: "vnc", listen: "::", port: 5905 } });
  expect(screenAdvice(open, { ...ssh, host: "2001:db8::1", port: 22 })).toEqual([
    "ssh -N -L 5905:[::1]:5905 root@[2001:db8::1]",
    "Then point a VNC viewer at 127.0.0.1:5905.",
    "The screen listens on :: without a password: anybody who reaches it has the guest.",
  ]);
});

test.each([
  ["nothing said of it", undefined, false],
  ["the loopback", "::1", false],
  ["every address", "0.0.0.0", true],
  ["one address", "192.0.2.10", true],
])("a screen on %s", (_, listen, warned) => {
  const domain = resolve({
    ...minimal,
    ...(listen !== undefined && { graphics: { type: "vnc", listen, port: 5905 } }),
  });
  expect(screenWarning(domain)?.includes(`listens on ${listen} without a password`) ?? false).toBe(warned);
});

test("the host's facts become the context", () => {
  const facts = xeonFacts();
  expect(hostResources(facts)).toMatchObject({ cpuVendor: "intel", memoryMiB: 63_476 });
  expect(hostResources(facts).cpus).toHaveLength(20);
  expect(hostCard(facts, address("03:00.0"), { rom: { kind: "off" }, boundAtBoot: true })).toEqual({
    functions: [
      { address: "0000:03:00.0", display: true },
      { address: "0000:03:00.1", display: false },
    ],
    numaNode: 0,
    rom: { kind: "off" },
    boundAtBoot: true,
  });
});

test("AMD guests with threads get topoext on KVM only", () => {
  const amd = { resources: { ...context().resources, cpuVendor: "amd" as const } };
  expect(resolve(minimal, amd).cpu.features).toEqual([{ name: "topoext", policy: "require" }]);
  expect(resolve({ ...minimal, topology: { sockets: 1, cores: 8, threads: 1 } }, amd).cpu.features).toEqual(
    [],
  );
  expect(resolve({ ...minimal, virtualization: "qemu" }, amd).cpu.features).toEqual([]);
  expect(resolve(minimal).cpu.features).toEqual([]);
});

test("enlightenments fit the host: evmcs on Intel, none under emulation", () => {
  const of = (input: Partial<DomainInput>, given: Partial<DomainContext> = {}) =>
    resolve({ profile: "windows-11", disks: [], ...input }, given).hyperv.enlightenments;
  expect(of({})).toContain("evmcs");
  expect(of({}, { resources: { ...context().resources, cpuVendor: "amd" } })).not.toContain("evmcs");
  const nested = (on: boolean) => ({ resources: { ...context().resources, nested: on } });
  expect(of({}, nested(true))).toContain("evmcs");
  expect(of({}, nested(false))).not.toContain("evmcs");
  expect(of({})).toContain("stimer");
  expect(of({ clock: { hypervClock: false } })).not.toContain("stimer");
  expect(of({ virtualization: "qemu" })).toEqual([]);
});

test("the port of a running domain's screen comes from its definition and from virsh", () => {
  expect(liveVncPort("<graphics type='vnc' port='5907' autoport='yes'")).toBe(5907);
  expect(liveVncPort("win: running, screen vnc://127.0.0.1:3")).toBe(5903);
  expect(liveVncPort("win: running, screen none")).toBeUndefined();
  expect(liveVncPort("<graphics type='vnc' port='-1' autoport='yes'")).toBeUndefined();
});
