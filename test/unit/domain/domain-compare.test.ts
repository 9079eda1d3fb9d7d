import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compareDomains, pendingChanges } from "../../../components/plan/domain/document/compare.ts";
import { pendingChangesOf } from "../../../components/plan/domain/document/hot-plug.ts";
import { existing, full, minimal, render, table } from "../../fixtures/domain.ts";

const versions = ["9.0", "11.3"] as const;
/**
 * The definition of the same name, as libvirt prints it: 9.0.0 with QEMU 7.2, and 11.3.0 with QEMU 10.0. The sources
 * are virsh dumpxml and the status file of a running domain.
 */
const libvirts = (name: string, version: (typeof versions)[number] = "9.0"): string =>
  readFileSync(new URL(`../../fixtures/libvirt-${version}/${name}.xml`, import.meta.url), "utf8");
const wanted = (name: string): string => {
  const entry = table[name];
  if (!entry) throw new Error(`no ${name} in the table`);
  return render(entry.input, entry.given);
};
const change = (text: string, from: string | RegExp, to: string): string => {
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${String(from)} is not there to be changed`);
  return changed;
};

const defined = [
  "reference-minimal",
  "reference-emulated",
  "windows-11-minimal",
  "windows-11-emulated",
  "full",
];

test.each(versions.flatMap((version) => defined.map((name) => [version, name] as const)))(
  "libvirt %s, %s: the stored definition equals the wanted one",
  (version, name) => {
    expect(compareDomains(wanted(name), libvirts(name, version))).toEqual([]);
    // The definition is also the same text when the next preview renders it.
    const given = { existing: existing(libvirts(name, version)) };
    expect(render(table[name]?.input ?? minimal, given)).toBe(wanted(name));
  },
);

describe("a change by hand is named with its place", () => {
  const stored = libvirts("full");
  const want = wanted("full");
  test.each<readonly [what: string, from: string | RegExp, to: string, lines: readonly string[]]>([
    [
      "memory",
      "<memory unit='KiB'>16777216<",
      "<memory unit='KiB'>8388608<",
      ["memory: 8388608 -> 16777216"],
    ],
    ["vCPU pin", "vcpu='3' cpuset='15'", "vcpu='3' cpuset='9'", ["cputune/vcpupin[3]/@cpuset: 9 -> 15"]],
    [
      "CPU mode",
      "mode='host-passthrough'",
      "mode='host-model'",
      ["cpu/@mode: host-model -> host-passthrough"],
    ],
    [
      "an enlightenment removed",
      "<vapic state='on'/>",
      "",
      ['features/hyperv/vapic: nothing -> <vapic state="on"/>'],
    ],
    [
      "an enlightenment added",
      "<vapic state='on'/>",
      "<vapic state='on'/><avic state='on'/>",
      ['features/hyperv/avic: <avic state="on"/> -> nothing'],
    ],
    [
      "a disk's file",
      "a &amp; b.raw",
      "c.raw",
      ["devices/disk[sda]/source/@file: /srv/images/c.raw -> /srv/images/a & b.raw"],
    ],
    [
      "a disk's cache",
      "cache='writeback'",
      "cache='unsafe'",
      ["devices/disk[sda]/driver/@cache: unsafe -> writeback"],
    ],
    [
      "an additional attribute",
      "cache='writeback'",
      "cache='writeback' detect_zeroes='on'",
      ["devices/disk[sda]/driver/@detect_zeroes: on -> nothing"],
    ],
    [
      "another host function",
      /(<source>\s*<address domain='0x0000' bus='0x)03(' slot='0x00' function='0x1')/,
      "$107$2",
      [
        expect.stringMatching(/^devices\/hostdev\[0000:03:00\.1\]: nothing -> </),
        expect.stringMatching(/^devices\/hostdev\[0000:07:00\.1\]: <.* -> nothing$/),
      ] as string[],
    ],
    [
      "a card at another guest slot",
      /<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0' multifunction='on'\/>/,
      "<address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0' multifunction='on'/>",
      ["devices/hostdev[0000:03:00.0]/address/@bus: 0x02 -> 0x01"],
    ],
    [
      "the ROM removed",
      "<rom bar='on' file='/usr/share/vgabios/rtx.rom'/>",
      "",
      ['devices/hostdev[0000:04:00.0]/rom: nothing -> <rom bar="on" file="/usr/share/vgabios/rtx.rom"/>'],
    ],
    [
      "a disk added",
      "<disk type='file' device='cdrom'>",
      "<disk type='file' device='disk'><source file='/x'/><target dev='sdz' bus='usb'/></disk><disk type='file' device='cdrom'>",
      [
        'devices/disk[sdz]: <disk type="file" device="disk"><source file="/x"/><target dev="sdz" bus="usb"/></disk> -> nothing',
      ],
    ],
    [
      "a VNC password and an open address",
      "port='5905' autoport='no' listen='127.0.0.1'>\n      <listen type='address' address='127.0.0.1'/>",
      "port='5905' autoport='no' listen='0.0.0.0' passwd='x'>\n      <listen type='address' address='0.0.0.0'/>",
      [
        "devices/graphics[vnc]/@listen: 0.0.0.0 -> 127.0.0.1",
        "devices/graphics[vnc]/@passwd: x -> nothing",
        "devices/graphics[vnc]/listen/@address: 0.0.0.0 -> 127.0.0.1",
      ],
    ],
    [
      "a direct kernel boot",
      "</os>",
      "<kernel>/boot/x</kernel></os>",
      ["os/kernel: <kernel>/boot/x</kernel> -> nothing"],
    ],
    [
      "arguments for QEMU",
      "</devices>",
      "</devices><qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-s'/></qemu:commandline>",
      [expect.stringMatching(/^qemu:commandline: <qemu:commandline .*-s.* -> nothing$/)] as string[],
    ],
    [
      "the machine's family",
      "machine='pc-q35-7.2'",
      "machine='pc-i440fx-7.2'",
      ["os/type/@machine: pc-i440fx-7.2 -> q35"],
    ],
    ["the UUID", /<uuid>e17d/, "<uuid>aaaa", [expect.stringMatching(/^uuid: aaaa/)] as string[]],
    [
      "metadata removed",
      /<metadata>.*<\/metadata>/s,
      "",
      [expect.stringMatching(/^metadata: nothing -> <vfio-fleet:domain /)] as string[],
    ],
    [
      "a card in the metadata",
      'name="gtx1050" place="0"',
      'name="gtx1050" place="3"',
      ["metadata/vfio-fleet:card/@place: 3 -> 0"],
    ],
  ])("%s", (_, from, to, lines) => {
    expect(compareDomains(want, change(stored, from, to))).toEqual(lines);
  });

  test("several changes, each in its line", () => {
    const changed = change(
      change(stored, ">8</vcpu>", ">4</vcpu>"),
      "<stats period='10'/>",
      "<stats period='5'/>",
    );
    // The patch in this domain's stack file wants what the fixture shows.
    expect(compareDomains(want, changed)).toEqual([
      "vcpu: 4 -> 8",
      "devices/memballoon/stats/@period: 5 -> 10",
    ]);
  });
});

test("another spelling by libvirt is no difference", () => {
  const want = wanted("windows-11-minimal");
  const stored = change(
    libvirts("windows-11-minimal"),
    /bus='0x03' slot='0x00' function='0x1'/,
    "bus='0x3' slot='0' function='1'",
  );
  expect(compareDomains(want, stored)).toEqual([]);
});

test("additions of a newer libvirt are ignored", () => {
  const stored = libvirts("windows-11-minimal")
    .replace("<topology sockets='1' dies='1'", "<topology sockets='1' dies='1' clusters='1'")
    .replace("<nvram ", "<nvram format='raw' ")
    .replace("</devices>", "<watchdog model='itco' action='reset'/></devices>");
  expect(compareDomains(wanted("windows-11-minimal"), stored)).toEqual([]);
});

test("a setting that the stack drops is a change, even if libvirt has no default for it", () => {
  const stored = libvirts("full");
  const lines = compareDomains(
    render({ ...full, hugepages: "off", iothreads: 0, pinning: undefined, patch: [] }),
    stored,
  );
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^memoryBacking\/hugepages: <.* -> nothing$/),
      expect.stringMatching(/^iothreads: <.* -> nothing$/),
      expect.stringMatching(/^cputune: <.* -> nothing$/),
      expect.stringMatching(/^devices\/disk\[vda\]\/driver\/@iothread: 1 -> nothing$/),
      expect.stringMatching(/^devices\/sound: <.* -> nothing$/),
      expect.stringMatching(/^devices\/interface\[.*\]\/link: <.* -> nothing$/),
    ]),
  );
});

test("a change outside the known elements changes the digest", () => {
  const odd = { ...minimal, patch: [{ path: "description", set: "<description>a</description>" }] };
  expect(compareDomains(wanted("reference-minimal"), render(odd))).toEqual([
    expect.stringMatching(/^metadata\/@digest: [0-9a-f]{16} -> [0-9a-f]{16}$/),
  ]);
});

describe("changes that wait for the next start", () => {
  test.each(
    versions.flatMap((version) =>
      ["reference-emulated", "windows-11-emulated"].map((name) => [version, name] as const),
    ),
  )("libvirt %s, %s: there are none right after the start", (version, name) => {
    expect(pendingChanges(libvirts(name, version), libvirts(`${name}.live`, version))).toEqual([]);
    expect(pendingChanges(libvirts(name, version), libvirts(`${name}.status`, version))).toEqual([]);
  });
  test("an address from a network is no change", () => {
    const status = libvirts("reference-emulated.status");
    const definition = libvirts("reference-emulated");
    const network =
      "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface>";
    const given = network.replace(
      "<source network='default'/>",
      "<source network='default' portid='8bec8d96-456e-4928-8cbc-01c44189f84a'/>" +
        "<actual type='network'><source bridge='virbr0'/></actual><target dev='vnet0'/>",
    );
    expect(
      pendingChanges(
        change(definition, "<memballoon", `${network}<memballoon`),
        change(status, "<memballoon", `${given}<memballoon`),
      ),
    ).toEqual([]);
  });
  test("an edit of the definition is pending, with the running and the future value", () => {
    const live = libvirts("reference-emulated.live");
    const stored = libvirts("reference-emulated");
    const edited = change(
      change(stored, "<memory unit='KiB'>1048576<", "<memory unit='KiB'>2097152<"),
      "<video>",
      "<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></source></hostdev><video>",
    );
    expect(pendingChanges(edited, live)).toEqual([
      "memory: 1048576 -> 2097152",
      expect.stringMatching(/^devices\/hostdev\[0000:03:00\.0\]: nothing -> <hostdev /),
    ]);
    expect(
      pendingChanges(
        stored,
        change(
          live,
          "<memballoon",
          "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev><memballoon",
        ),
      ),
    ).toEqual([expect.stringMatching(/^devices\/hostdev\[0x1:0x2\]: <hostdev .* -> nothing$/)]);
  });
});

test("a text that is no definition is an error", () => {
  expect(() => compareDomains("<network/>", libvirts("full"))).toThrow(
    "the wanted definition holds <network>",
  );
  expect(() => compareDomains(wanted("full"), "error: no domain")).toThrow(
    "the host's definition cannot be read",
  );
});

test.each(
  versions.flatMap((version) =>
    ["reference-emulated", "windows-11-emulated"].map((name) => [version, name] as const),
  ),
)(
  "libvirt %s, %s: a domain that was started from the wanted definition has nothing pending, at once or later",
  (version, name) => {
    expect(pendingChangesOf(wanted(name), libvirts(`${name}.status`, version))).toEqual({
      atOnce: [],
      nextStart: [],
    });
  },
);

test.each(versions)(
  "libvirt %s: a medium goes into an empty drive of a running domain at once, and nothing is pending",
  (version) => {
    const input = table["reference-emulated"]?.input ?? minimal;
    const filled = render({ ...input, cdroms: ["/srv/tools.iso"] });
    const { atOnce, nextStart } = pendingChangesOf(filled, libvirts("reference-emulated.status", version));
    expect(nextStart).toEqual([]);
    expect(atOnce.map(({ path }) => path)).toContain("devices/disk[hda]/source");
  },
);
