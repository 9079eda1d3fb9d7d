import { describe, expect, test } from "vitest";
import { domainView } from "../../../components/plan/domain/domain-view.ts";
import { factsSchema } from "../../../components/facts/facts.ts";
import { Mask, redact } from "../../../fleet/targets/facts-file/mask.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

describe("free text", () => {
  test.each([
    ["link 10.20.30.40 and 10.20.30.41, again 10.20.30.40", "link 192.0.2.1 and 192.0.2.2, again 192.0.2.1"],
    ["127.0.0.1 and 0.0.0.0 say nothing", "127.0.0.1 and 0.0.0.0 say nothing"],
    ["fe80::5054:ff:fe12:3456 up", "2001:db8::1 up"],
    ["mac 52:54:00:12:34:56", "mac 00:00:5e:00:53:01"],
    ["the network card (enx525400123456)", "the network card (enx00005e005301)"],
    [
      "root=UUID=3C1F9c1e-aaaa-bbbb-cccc-0123456789ab ro",
      "root=UUID=00000000-0000-4000-8000-000000000001 ro",
    ],
    ["<serial>S4EWNX0R1</serial>", "<serial>SERIAL1</serial>"],
    ["<entry name='serial'>CZC1234</entry>", "<entry name='serial'>SERIAL1</entry>"],
    ["nvme: serial: S4EWNX0R1 model x", "nvme: serial: SERIAL1 model x"],
    ["file='/dev/disk/by-id/nvme-Samsung_S4EWNX0R1'", "file='/dev/disk/by-id/disk-1'"],
    ["/home/alice/win.qcow2", "/home/user-1/win.qcow2"],
    ["alpha.example.org alpha beta-alpha", "host-1 host-1 beta-alpha"],
    ["root=/dev/mapper/alpha--vg-root ro", "root=/dev/mapper/host--1--vg-root ro"],
    ["<source dev='/dev/alpha-vg/win10'/>", "<source dev='/dev/host-1-vg/win10'/>"],
  ])("%s", (text, masked) => {
    expect(new Mask().text(text, ["alpha"])).toBe(masked);
  });

  test.each([
    "vfio-pci 0000:03:00.0: BAR 1: can't reserve [mem 0xe0000000-0xefffffff 64bit pref]",
    "[    5.678901] pcieport 0000:00:1c.4: AER: Corrected error received: 0000:04:00.0",
    "2026-01-02 10:00:00.000+0000: starting up libvirt version: 9.0.0",
    "DMAR: DRHD base: 0x000000fbffc000 flags: 0x1",
    "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>",
    "qemu-system-x86 1:7.2+dfsg-7+deb12u7",
  ])("stays: %s", (text) => {
    expect(new Mask().text(text, ["xeon"])).toBe(text);
  });

  test("a volume group that is named after a host with a hyphen is masked", () => {
    const once = new Mask().text("/dev/mapper/gamer--nine--vg-root on gamer-nine", ["gamer-nine"]);
    expect(once).toBe("/dev/mapper/host--1--vg-root on host-1");
    expect(new Mask().text(once, ["host-1"])).toBe(once);
  });

  test("a host that is named like a driver keeps its log", () => {
    expect(new Mask().text("vfio-pci vfio: bound", ["vfio"])).toBe("vfio-pci vfio: bound");
  });
});

const xml = `<domain type='kvm'><name>win</name><uuid>3c1f9c1e-aaaa-bbbb-cccc-0123456789ab</uuid>
  <devices>
    <interface type='network'><mac address='52:54:00:12:34:56'/></interface>
    <graphics type='vnc' port='-1' listen='10.20.30.40' passwd='geheim'/>
    <hostdev mode='subsystem' type='pci' managed='no'>
      <source><address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></source>
    </hostdev>
  </devices></domain>`;

const facts = xeonFacts({
  hostname: "gamer-nine",
  user: "alice",
  carriers: [],
  libvirt: { socket: true, domains: [{ name: "win", running: false, autostart: false, xml }] },
  files: {
    "/etc/libvirt/qemu.conf": {
      mode: "600",
      owner: "root",
      group: "root",
      sha256: "",
      content: 'vnc_listen = "10.20.30.40"\nvnc_password = "geheim"\n# on gamer-nine\n',
    },
  },
});

test("no password leaves a host, masked or not", () => {
  expect(JSON.stringify(facts)).toContain("geheim");
  expect(JSON.stringify(redact(facts))).not.toContain("geheim");
  expect(redact(facts).files["/etc/libvirt/qemu.conf"]?.content).toContain("vnc_password = ***");
});

test("masked facts contain no host, address or person, match the schema, and give the same verdicts on cards", () => {
  const masked = new Mask().facts(redact(facts));
  const text = JSON.stringify(masked);
  for (const secret of ["gamer-nine", "alice", "10.20.30.40", "52:54:00:12:34:56", "3c1f9c1e-aaaa"])
    expect(text).not.toContain(secret);
  expect(factsSchema.parse(masked)).toEqual(masked);
  expect(masked.pci).toEqual(facts.pci);
  const [domain] = masked.libvirt.domains;
  expect(domain && domainView(domain)?.hostdevs.map(({ address }) => address)).toEqual(["0000:03:00.0"]);
});

test("masking twice changes nothing more than masking once", () => {
  const once = new Mask().facts(redact(facts));
  expect(new Mask().facts(redact(once))).toEqual(once);
});
