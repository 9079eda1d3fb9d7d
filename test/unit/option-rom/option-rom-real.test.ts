import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { judgeOptionRom } from "../../../components/option-rom/judge.ts";
import { formatId } from "../../../components/option-rom/names.ts";
import { parseOptionRom } from "../../../components/option-rom/parse.ts";
import { patchOptionRom } from "../../../components/option-rom/patch.ts";
import { writeOptionRom } from "../../../components/option-rom/write.ts";
import { parsePciId } from "../../../components/facts/pci.ts";
import {
  codeTypes,
  ipxeRom,
  listIpxeRoms,
  listVgaBioses,
  parsed,
  readBytes,
  seabiosRom,
} from "../support/option-rom.ts";

const ipxeRoms = listIpxeRoms();
const vgaBioses = listVgaBioses();

/** A ROM for the ISA bus or for no bus: an option ROM without a PCI data structure. */
const isIsa = (path: string): boolean => /isavga|ramfb|\/vgabios\.bin/.test(path);

const named = (path: string): [string, string] => [basename(path), path];

const ids = (path: string): readonly string[] =>
  parsed(readBytes(path)).images.map(({ pci }) => formatId(pci.vendorId, pci.deviceId));

describe("iPXE's option ROMs", () => {
  test("efi-e1000.rom holds an x86 and an EFI image for 8086:100e", () => {
    const rom = parsed(readBytes(ipxeRom("efi-e1000.rom")));
    expect(codeTypes(rom)).toEqual([0, 3]);
    expect(ids(ipxeRom("efi-e1000.rom"))).toEqual(["8086:100e", "8086:100e"]);
    expect(rom.images[0]).toMatchObject({
      offset: 0,
      pci: { revision: 3, classCode: 0x020000 },
      code: { kind: "x86" },
      checksum: { kind: "good" },
      deviceList: { kind: "listed", deviceIds: [0x100e] },
      pnp: { manufacturer: "http://ipxe.org", product: expect.stringContaining("iPXE") },
    });
    expect(rom.images[1]).toMatchObject({
      pci: { indicator: 0x80 },
      code: { kind: "efi", signature: 0x0ef1, machine: 0x8664, subsystem: 0x0b, compression: 0 },
      checksum: undefined,
    });
    expect(rom).toMatchObject({ container: { kind: "none" }, end: { kind: "last-image" }, nvidiaImages: [] });
    expect(rom.trailing).toHaveLength(0);
  });

  test.each([
    ["efi-e1000e.rom", "8086:10d3"],
    ["efi-rtl8139.rom", "10ec:8139"],
    ["efi-pcnet.rom", "1022:2000"],
    ["efi-vmxnet3.rom", "15ad:07b0"],
  ])("%s is for %s", (name, id) => {
    expect(ids(ipxeRom(name))).toEqual([id, id]);
  });

  test.each(ipxeRoms.map(named))("%s is judged by its content", (name, path) => {
    const result = parseOptionRom(readBytes(path));
    const card = parsePciId(ids(path)[0] ?? "");
    const isEfi = name.startsWith("efi-");
    expect(codeTypes(parsed(readBytes(path)))).toEqual(isEfi ? [0, 3] : [0]);
    expect(judgeOptionRom(result, { card }).verdict).toBe(isEfi ? "usable" : "unusable");
    expect(judgeOptionRom(result, { card, firmware: "seabios" }).verdict).toBe("usable");
  });
});

describe("SeaBIOS's ROMs", () => {
  test.each([
    ["vgabios-stdvga.bin", "1234:1111"],
    ["vgabios-cirrus.bin", "1013:00b8"],
    ["vgabios-vmware.bin", "15ad:0405"],
  ])("%s is an x86 image for %s: for SeaBIOS, not for OVMF", (name, id) => {
    const rom = parsed(readBytes(seabiosRom(name)));
    expect(codeTypes(rom)).toEqual([0]);
    expect(ids(seabiosRom(name))).toEqual([id]);
    expect(rom.images[0]).toMatchObject({ checksum: { kind: "good" }, pci: { classCode: 0x030000 } });
    const card = parsePciId(id);
    const result = parseOptionRom(readBytes(seabiosRom(name)));
    expect(judgeOptionRom(result, { card, firmware: "seabios" }).verdict).toBe("usable");
    const judgement = judgeOptionRom(result, { card });
    expect(judgement.verdict).toBe("unusable");
    expect(judgement.findings.filter(({ severity }) => severity === "error")).toMatchObject([
      { check: "efi", message: expect.stringContaining("no EFI image") },
    ]);
  });

  test.each(vgaBioses.filter(isIsa).map(named))("%s is reported as an ISA option ROM", (_, path) => {
    const result = parseOptionRom(readBytes(path));
    expect(result).toMatchObject({ ok: false, fault: { kind: "no-image", nearest: { offset: 0 } } });
    expect(judgeOptionRom(result).findings).toMatchObject([
      { check: "content", severity: "error", message: expect.stringContaining("ISA option ROM") },
    ]);
    expect(patchOptionRom(result).kind).toBe("refused");
  });
});

test.each([...ipxeRoms, ...vgaBioses.filter((path) => !isIsa(path))].map(named))(
  "%s is written back byte for byte, and there is nothing to patch",
  (_, path) => {
    const bytes = readBytes(path);
    expect(Buffer.compare(writeOptionRom(parsed(bytes)), bytes)).toBe(0);
    const patched = patchOptionRom(parseOptionRom(bytes));
    expect(patched.kind).toBe("unchanged");
    expect(patched.kind !== "refused" && Buffer.compare(patched.bytes, bytes)).toBe(0);
  },
);
