import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { DomainInput } from "../../../components/plan/domain/spec/schema.ts";
import { elementsOf, find, parseXml } from "../../../components/plan/domain/document/xml-tree.ts";
import { context, existing, full, minimal, render, resolve, table } from "../../fixtures/domain.ts";

const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-domain-"));
afterAll(() => rmSync(folder, { recursive: true }));

const domain = (xml: string) => {
  const parsed = parseXml(xml);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.root;
};

test.each(Object.entries(table))("%s renders as before", async (name, { input, given }) => {
  const xml = render(input, given);
  expect(render(input, given)).toBe(xml);
  await expect(xml).toMatchFileSnapshot(`../../fixtures/domains/${name}.xml`);
});

test("no file of a removed specification is left", () => {
  expect(readdirSync(new URL("../../fixtures/domains", import.meta.url)).sort()).toEqual(
    Object.keys(table)
      .map((name) => `${name}.xml`)
      .sort(),
  );
});

// One process for all of them, because reading the schema takes most of the time.
test("libvirt's schema accepts every one of them", () => {
  const files = Object.entries(table).map(([name, { input, given }]) => {
    const file = join(folder, `${name}.xml`);
    writeFileSync(file, render(input, given));
    return file;
  });
  const wrong = join(folder, "wrong.xml");
  writeFileSync(wrong, render(minimal).replace('offset="localtime"', 'offset="lunchtime"'));
  const validate = (...given: string[]): string => {
    const schema = "/usr/share/libvirt/schemas/domain.rng";
    const run = spawnSync("xmllint", ["--noout", "--relaxng", schema, ...given], { encoding: "utf8" });
    // Its results are 0 (valid) and 3 (not valid); any other status is an error.
    if (run.error || (run.status !== 0 && run.status !== 3))
      throw new Error(`xmllint gives no verdict (packages libxml2-utils and libvirt0): ${run.stderr}`, {
        cause: run.error,
      });
    return run.status === 0 ? "" : run.stderr;
  };
  expect(validate(...files)).toBe("");
  expect(validate(wrong)).toContain("fails to validate");
});

const hostdevs = (xml: string) =>
  elementsOf(find(domain(xml), "devices"), "hostdev").filter(
    ({ attributes }) => attributes["type"] === "pci",
  );
const guestPlaces = (xml: string): Record<string, string> =>
  Object.fromEntries(
    hostdevs(xml).map((hostdev) => {
      const source = find(hostdev, "source", "address")?.attributes ?? {};
      const at = find(hostdev, "address")?.attributes ?? {};
      return [
        `${source["bus"]}.${source["function"]}`,
        `${at["bus"]}:${at["slot"]}.${at["function"]}${at["multifunction"] === "on" ? "+" : ""}`,
      ];
    }),
  );
/** Root ports by index: slot and function on bus 0. */
const ports = (xml: string): Record<string, string> =>
  Object.fromEntries(
    elementsOf(find(domain(xml), "devices"), "controller")
      .filter(({ attributes }) => attributes["model"] === "pcie-root-port")
      .map((port) => {
        const at = find(port, "address")?.attributes ?? {};
        return [port.attributes["index"] ?? "", `${at["slot"]}.${at["function"]}`];
      }),
  );

test("q35: all functions of a card are on one slot behind their own root port", () => {
  const xml = render(full);
  expect(guestPlaces(xml)).toEqual({
    "0x03.0x0": "0x01:0x00.0x0+",
    "0x03.0x1": "0x01:0x00.0x1",
    "0x04.0x0": "0x02:0x00.0x0+",
    "0x04.0x1": "0x02:0x00.0x1",
    "0x04.0x2": "0x02:0x00.0x2",
    "0x04.0x3": "0x02:0x00.0x3",
  });
  expect(ports(xml)).toMatchObject({ 1: "0x02.0x0", 2: "0x03.0x0" });
});

test("i440fx: all functions of a card are on one slot", () => {
  expect(guestPlaces(render({ ...minimal, gpus: ["gtx1050", "gtx1060"] }))).toEqual({
    "0x03.0x0": "0x00:0x10.0x0+",
    "0x03.0x1": "0x00:0x10.0x1",
    "0x82.0x0": "0x00:0x11.0x0+",
    "0x82.0x1": "0x00:0x11.0x1",
  });
});

test("a card keeps the place in its definition when others come and go", () => {
  const q35 = { ...minimal, machine: "q35" } as const;
  const three = render({ ...q35, gpus: ["gtx1050", "gtx1060", "rtx"] });
  const two = render({ ...q35, gpus: ["gtx1060", "rtx"] }, { existing: existing(three) });
  expect(guestPlaces(two)).toMatchObject({
    "0x82.0x0": guestPlaces(three)["0x82.0x0"],
    "0x04.0x3": guestPlaces(three)["0x04.0x3"],
  });
  const back = render({ ...q35, gpus: ["rtx", "gtx1060", "gtx1050"] }, { existing: existing(two) });
  expect(guestPlaces(back)).toEqual(guestPlaces(three));
});

test("disks, networks and cards keep their paths when anything else changes", () => {
  const way = (xml: string): Record<string, string> => {
    const root = ports(xml);
    return Object.fromEntries(
      elementsOf(find(domain(xml), "devices")).flatMap((device) => {
        const at = find(device, "address")?.attributes;
        const name = [
          device.name,
          device.attributes["type"],
          find(device, "target")?.attributes["dev"],
          find(device, "mac")?.attributes["address"],
          find(device, "source", "address")?.attributes["bus"],
          find(device, "source", "address")?.attributes["function"],
        ].join(" ");
        return (at?.["type"] === "pci" && device.attributes["type"] !== "pci") ||
          (device.name === "hostdev" && at)
          ? [[name, `${root[Number(at["bus"])] ?? "root"}/${at["slot"]}.${at["function"]}`]]
          : [];
      }),
    );
  };
  const small = render({ ...minimal, machine: "q35", networks: [{ type: "network" }] });
  const large = render({ ...full, patch: [] });
  const common = Object.entries(way(small)).filter(([name]) => name in way(large));
  expect(common.map(([name]) => name.split(" ")[0])).toEqual(
    expect.arrayContaining(["disk", "interface", "hostdev", "controller", "video"]),
  );
  for (const [name, place] of common) expect(`${name}: ${way(large)[name]}`).toBe(`${name}: ${place}`);
});

test("the machine keeps libvirt's version, and the text does not change by itself", () => {
  const first = render(minimal);
  expect(first).toContain('machine="pc">hvm');
  // libvirt stores the version for the family's name.
  const stored = first.replace('machine="pc">hvm', 'machine="pc-i440fx-7.2">hvm');
  expect(render(minimal, { existing: existing(stored) })).toBe(first);
  const edited = render({ ...minimal, memory: "12 GiB" }, { existing: existing(stored) });
  expect(edited).toContain('machine="pc-i440fx-7.2">hvm');
  expect(render({ ...minimal, memory: "12 GiB" }, { existing: existing(edited) })).toBe(edited);
  expect(render({ ...minimal, machine: "pc-i440fx-6.2" }, { existing: existing(stored) })).toContain(
    'machine="pc-i440fx-6.2">hvm',
  );
});

test("the UUID follows from host and name, but an existing one stays", () => {
  expect(resolve(minimal).uuid).toBe(resolve({ ...minimal, memory: "9 GiB" }).uuid);
  expect(resolve(minimal, { name: "other" }).uuid).not.toBe(resolve(minimal).uuid);
  expect(resolve(minimal, { host: "other" }).uuid).not.toBe(resolve(minimal).uuid);
  const uuid = "5d1fb3bc-6a0f-4bd6-9d3c-6f4f43b3b7b0";
  const stored = existing(render(minimal).replace(resolve(minimal).uuid, uuid));
  expect(resolve(minimal, { existing: stored }).uuid).toBe(uuid);
});

test("managed follows from the card's binding, and can be set", () => {
  const managed = (input = minimal): (string | undefined)[] =>
    hostdevs(render(input)).map(({ attributes }) => attributes["managed"]);
  expect(managed()).toEqual(["no", "no"]);
  expect(managed({ ...minimal, gpus: ["gtx1060"] })).toEqual(["yes", "yes"]);
  expect(managed({ ...minimal, managed: true })).toEqual(["yes", "yes"]);
});

test("installation media are attached and booted from, and removed afterwards", () => {
  const disks = (xml: string): string[] =>
    elementsOf(find(domain(xml), "devices"), "disk").map((disk) =>
      [
        disk.attributes["device"],
        find(disk, "target")?.attributes["dev"],
        find(disk, "source")?.attributes["file"],
        find(disk, "boot")?.attributes["order"],
      ].join(" "),
    );
  const install = { iso: "/srv/iso/win.iso", virtioIso: "/srv/iso/virtio.iso" };
  expect(disks(render({ ...minimal, install }))).toEqual([
    "disk vda /var/lib/libvirt/images/win.qcow2 2",
    "cdrom hdd /srv/iso/win.iso 1",
    "cdrom hdc /srv/iso/virtio.iso ",
  ]);
  expect(disks(render({ ...minimal, install: "done" }))).toEqual([
    "disk vda /var/lib/libvirt/images/win.qcow2 1",
  ]);
});

test("a domain made by hand is adopted with its UUID, NVRAM, machine, disks and networks", async () => {
  const handmade = `<domain type='kvm'><name>win</name><uuid>5d1fb3bc-6a0f-4bd6-9d3c-6f4f43b3b7b0</uuid>
    <os><type arch='x86_64' machine='pc-q35-6.2'>hvm</type>
      <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>
      <nvram>/var/lib/libvirt/qemu/nvram/win10_VARS.fd</nvram><boot dev='hd'/></os>
    <devices>
      <disk type='block' device='disk'><driver name='qemu' type='raw' cache='none' io='native'/>
        <source dev='/dev/vg0/win10'/><target dev='vda' bus='virtio'/>
        <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/></disk>
      <disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
      <interface type='bridge'><mac address='52:54:00:6b:3c:58'/><source bridge='br0'/><model type='virtio'/>
        <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></interface>
    </devices></domain>`;
  const given = {
    existing: existing(handmade),
    firmware: [
      {
        code: "/usr/share/OVMF/OVMF_CODE.fd",
        vars: "/usr/share/OVMF/OVMF_VARS.fd",
        secureBoot: false,
        smm: false,
      },
      ...context().firmware,
    ],
  };
  const input: DomainInput = { profile: "windows-11", adopt: true, gpus: ["gtx1050"] };
  const xml = render(input, given);
  const root = domain(xml);
  expect(xml).toContain("<uuid>5d1fb3bc-6a0f-4bd6-9d3c-6f4f43b3b7b0</uuid>");
  expect(xml).toContain(">/var/lib/libvirt/qemu/nvram/win10_VARS.fd</nvram>");
  expect(xml).toContain(">/usr/share/OVMF/OVMF_CODE.fd</loader>");
  expect(find(root, "os", "type")?.attributes["machine"]).toBe("pc-q35-6.2");
  const [disk] = elementsOf(find(root, "devices"), "disk");
  expect(find(disk, "source")?.attributes["dev"]).toBe("/dev/vg0/win10");
  expect(find(disk, "boot")?.attributes["order"]).toBe("1");
  expect(find(root, "devices", "interface", "mac")?.attributes["address"]).toBe("52:54:00:6b:3c:58");
  // After that it belongs to the stack and stays as it is.
  expect(render(input, { ...given, existing: existing(xml) })).toBe(xml);
});
