import { describe, expect, test } from "vitest";
import { MAX_ROM_SIZE } from "../../../components/option-rom/model.ts";
import { parseOptionRom } from "../../../components/option-rom/parse.ts";
import { writeOptionRom } from "../../../components/option-rom/write.ts";
import {
  codeTypes,
  efiCode,
  KIB,
  makeContainer,
  makeEfi,
  makeImage,
  makeNvidiaRom,
  makeRom,
  makeX86,
  parsed,
} from "../support/option-rom.ts";

const fault = (file: Uint8Array) => {
  const result = parseOptionRom(file);
  return result.ok ? undefined : result.fault;
};

describe("files without an option ROM", () => {
  test("an empty file", () => {
    expect(fault(new Uint8Array())).toEqual({ kind: "empty" });
  });

  test.each([0x00, 0xff])("all bytes are %i", (value) => {
    const file = new Uint8Array(64 * KIB).fill(value);
    expect(fault(file)).toEqual({ kind: "uniform", size: 64 * KIB, value });
  });

  test("more than 16 MiB; 16 MiB are read", () => {
    const image = makeEfi(64 * KIB, { last: true });
    const trailing = (size: number) => new Uint8Array(size - 64 * KIB);
    expect(fault(makeRom([image], { trailing: trailing(MAX_ROM_SIZE + 1) }))).toEqual({
      kind: "too-large",
      size: MAX_ROM_SIZE + 1,
    });
    expect(parsed(makeRom([image], { trailing: trailing(MAX_ROM_SIZE) })).images).toHaveLength(1);
  });

  test("no 55 aa anywhere", () => {
    expect(fault(new TextEncoder().encode("this is no option ROM"))).toEqual({
      kind: "no-image",
      size: 21,
      nearest: undefined,
    });
  });

  test.each([
    ["the file ends inside the header", (file: Uint8Array) => file.subarray(0, 0x19), "cut-off"],
    [
      "the file ends inside the PCI data structure",
      (file: Uint8Array) => file.subarray(0, 0x33),
      "pointer-outside",
    ],
    [
      "the pointer leads out of the file",
      (file: Uint8Array) => file.fill(0xf0, 0x18, 0x1a),
      "pointer-outside",
    ],
    ["no PCIR at the pointer", (file: Uint8Array) => file.fill(0x20, 0x1c, 0x20), "no-pcir"],
    ["an image length of 0", (file: Uint8Array) => file.fill(0, 0x2c, 0x2e), "no-length"],
  ])("%s", (_, spoil, expected) => {
    const file = makeRom([makeX86(2 * KIB, { last: true })]);
    expect(fault(spoil(file))).toEqual({
      kind: "no-image",
      size: expect.any(Number),
      nearest: { offset: 0, fault: expected },
    });
  });

  test("a PCI data structure beyond the image's end", () => {
    const file = makeRom([makeX86(2 * KIB, { last: true, pci: { offset: 0x600 } })]);
    new DataView(file.buffer).setUint16(0x610, 2, true);
    expect(fault(file)).toMatchObject({ nearest: { fault: "pointer-outside" } });
  });
});

describe("the chain of images", () => {
  test("every field is read at its place in the specifications", () => {
    const file = new Uint8Array(1024);
    const view = new DataView(file.buffer);
    file.set([0x55, 0xaa, 0x02, 0x00, 0xf1, 0x0e, 0x00, 0x00, 0x0c, 0x00, 0x64, 0xaa, 0x01, 0x00]);
    file.set([0x80, 0x00, 0x40, 0x00], 0x16);
    file.set(new TextEncoder().encode("PCIR"), 0x40);
    file.set([0xde, 0x10, 0x81, 0x1c, 0x20, 0x00, 0x1c, 0x00, 0x03, 0x01, 0x02, 0x03], 0x44);
    file.set([0x02, 0x00, 0x34, 0x12, 0x03, 0x81, 0x05, 0x00, 0x22, 0x11, 0x44, 0x33], 0x50);
    file.set([0x82, 0x1c, 0x83, 0x1c, 0x00, 0x00], 0x60);
    view.setUint8(1023, 1);
    expect(parsed(file).images).toMatchObject([
      {
        offset: 0,
        pci: {
          offset: 0x40,
          vendorId: 0x10de,
          deviceId: 0x1c81,
          deviceListPointer: 0x20,
          structureLength: 0x1c,
          revision: 3,
          classCode: 0x030201,
          imageLength: 1024,
          codeRevision: 0x1234,
          indicator: 0x81,
          maxRuntimeLength: 5 * 512,
          revision3: { configUtilityPointer: 0x1122, clpEntryPointer: 0x3344 },
        },
        code: {
          kind: "efi",
          initSize: 1024,
          signature: 0x0ef1,
          subsystem: 0x0c,
          machine: 0xaa64,
          compression: 1,
          imageOffset: 0x80,
        },
        deviceList: { kind: "listed", deviceIds: [0x1c82, 0x1c83] },
      },
    ]);
  });

  test("before revision 3 there is no device list, whatever the pointer contains", () => {
    const image = makeX86(2 * KIB, { last: true, pci: { deviceListPointer: 0x80 } });
    expect(parsed(makeRom([image])).images[0].deviceList).toEqual({ kind: "none" });
  });

  test.each([
    ["leads out of the image", 0xf000],
    ["leads to a list without an end", 0x80],
  ])("a device list pointer that %s", (_, deviceListPointer) => {
    const image = makeX86(2 * KIB, { last: true, deviceIds: [1], pci: { deviceListPointer: 0x80 } });
    const file = makeRom([image]);
    new DataView(file.buffer).setUint16(0x24, deviceListPointer, true);
    file.fill(0x11, 0x9c);
    expect(parsed(file).images[0].deviceList).toEqual({ kind: "broken" });
  });

  test("ends with the image that is marked as last, and bytes after it are not an image", () => {
    const file = makeRom([
      makeX86(2 * KIB),
      makeEfi(4 * KIB, { last: true }),
      makeEfi(4 * KIB, { last: true }),
    ]);
    const rom = parsed(file);
    expect(codeTypes(rom)).toEqual([0, 3]);
    expect(rom.end).toEqual({ kind: "last-image" });
    expect(rom.trailing).toHaveLength(4 * KIB);
  });

  test("ends with the file if no image is marked as last", () => {
    expect(parsed(makeRom([makeX86(2 * KIB), makeEfi(4 * KIB)])).end).toEqual({ kind: "end-of-file" });
  });

  test("is truncated if the file ends inside an image", () => {
    const file = makeRom([makeX86(2 * KIB), makeEfi(4 * KIB, { last: true })]);
    const rom = parsed(file.subarray(0, 5 * KIB));
    expect(rom.end).toEqual({ kind: "truncated", missing: KIB });
    expect(rom.images[1]?.bytes).toHaveLength(3 * KIB);
  });

  test("is lost if other bytes follow an image that is not the last", () => {
    const trailing = new Uint8Array(KIB).fill(0x20);
    const rom = parsed(makeRom([makeX86(2 * KIB)], { trailing }));
    expect(rom.end).toEqual({ kind: "lost" });
    expect(rom.trailing).toEqual(trailing);
  });

  test("continues after a gap, in steps of 512 bytes, as in OVMF", () => {
    const gap = new Uint8Array(KIB).fill(0x20);
    const rom = parsed(makeRom([makeX86(2 * KIB), makeEfi(4 * KIB, { gap, last: true })]));
    expect(codeTypes(rom)).toEqual([0, 3]);
    expect(rom.images[1]).toMatchObject({ offset: 3 * KIB, gap });
  });
});

test("does not find an image that is not a multiple of 512 bytes away", () => {
  const gap = new Uint8Array(100).fill(0x20);
  const rom = parsed(makeRom([makeX86(2 * KIB), makeEfi(4 * KIB, { gap, last: true })]));
  expect(codeTypes(rom)).toEqual([0]);
  expect(rom.end).toEqual({ kind: "lost" });
});

describe("the x86 checksum", () => {
  test("covers the initialization size, not the image's length", () => {
    const image = makeImage({
      code: { kind: "x86", initSize: KIB, pnpPointer: 0 },
      size: 2 * KIB,
      last: true,
    });
    const file = makeRom([image]);
    file[KIB] = (file[KIB] ?? 0) + 1;
    expect(parsed(file).images[0].checksum).toEqual({ kind: "good" });
    file[KIB - 1] = (file[KIB - 1] ?? 0) + 1;
    expect(parsed(file).images[0].checksum).toEqual({ kind: "bad", sum: 1 });
  });

  test("is missing without a size, and is not computed beyond the image", () => {
    const make = (initSize: number) =>
      parsed(makeRom([makeX86(KIB, { code: { kind: "x86", initSize, pnpPointer: 0 }, last: true })]));
    expect(make(0).images[0].checksum).toEqual({ kind: "no-size" });
    expect(make(2 * KIB).images[0].checksum).toEqual({ kind: "beyond-image" });
  });
});

describe("NVIDIA's additions", () => {
  test.each([1, 2, 3] as const)(
    "container header version %i names the place of the first image",
    (version) => {
      const leading = makeContainer(0x9400, version);
      // A decoy that looks like an image; a plain search would find it first.
      leading.set(makeRom([makeX86(512, { last: true })]), 0x2000);
      const rom = parsed(makeNvidiaRom({ leading, size: 256 * KIB }));
      expect(rom.container).toEqual({ kind: "nvgi", version, size: 0x9400 });
      expect(rom.images[0].offset).toBe(0x9400);
      expect(codeTypes(rom)).toEqual([0, 3]);
    },
  );

  test("after a container header that leads nowhere the first image is searched for", () => {
    const leading = makeContainer(0x600, 2);
    new DataView(leading.buffer).setUint32(0x14, 0xfffffff0, true);
    const rom = parsed(makeNvidiaRom({ leading, size: 128 * KIB + 0x600 }));
    expect(rom.images[0].offset).toBe(0x600);
  });

  test("unknown bytes may precede the first image, even at an odd offset", () => {
    const leading = new Uint8Array(777).fill(0x41);
    const rom = parsed(makeNvidiaRom({ leading, size: 128 * KIB + 777 }));
    expect(rom.container).toEqual({ kind: "unknown", size: 777 });
    expect(codeTypes(rom)).toEqual([0, 3]);
  });

  test("firmware follows the PCI data structure, NVIDIA's driver follows its extension", () => {
    const rom = parsed(makeNvidiaRom({ size: 256 * KIB }));
    expect(rom.images.map(({ offset, bytes }) => [offset, bytes.length])).toEqual([
      [0, 64 * KIB],
      [64 * KIB, 64 * KIB],
    ]);
    expect(rom.images[0].nvidia).toMatchObject({ revision: 0x0101, subimageLength: 48 * KIB, indicator: 0 });
    expect(rom.end).toEqual({ kind: "last-image" });
    expect(rom.nvidiaImages).toEqual([
      { offset: 48 * KIB, length: 16 * KIB, codeType: 0xe0, vendorId: 0x10de, deviceId: 0x1c81 },
      { offset: 128 * KIB, length: 128 * KIB, codeType: 0xe0, vendorId: 0x10de, deviceId: 0x1c81 },
    ]);
  });

  test("if an extension is too short for an indicator, a shorter subimage is followed by others", () => {
    const inner = makeX86(KIB, { last: true, nvidia: { structureLength: 0x0a, indicator: undefined } });
    const bytes = new Uint8Array(4 * KIB);
    bytes.set(inner.bytes);
    bytes.set(makeX86(3 * KIB, { last: true }).bytes, KIB);
    new DataView(bytes.buffer).setUint16(0x2c, 8, true);
    const rom = parsed(bytes);
    expect(rom.images).toHaveLength(1);
    expect(rom.images[0].nvidia?.indicator).toBeUndefined();
    expect(rom.nvidiaImages).toMatchObject([{ offset: KIB, length: 3 * KIB }]);
  });
});

describe("the writer", () => {
  test.each([
    [
      "a length that is not a whole number of blocks",
      { size: 2 * KIB, pci: { imageLength: 1000 } },
      "image length",
    ],
    ["too many blocks", { size: 2 * KIB, code: efiCode(65536 * 512) }, "EFI initialization size"],
    ["a structure outside the image", { size: 512, pci: { offset: 0x1fe } }, "PCI data structure"],
    ["an id of more than 16 bits", { size: 512, pci: { deviceId: 0x1c81c } }, "device id"],
  ])("refuses %s, and names the field", (_, recipe, message) => {
    expect(() => makeImage({ code: efiCode(512), ...recipe })).toThrow(RangeError);
    expect(() => makeImage({ code: efiCode(512), ...recipe })).toThrow(message);
  });

  test("changes one field and nothing else", () => {
    const file = makeRom([makeX86(2 * KIB), makeEfi(4 * KIB, { last: true })]);
    const rom = parsed(file);
    const images = rom.images.map((image) => ({ ...image, pci: { ...image.pci, deviceId: 0x1c82 } }));
    const written = writeOptionRom({ ...rom, images });
    const changed = [...written.keys()].filter((at) => written[at] !== file[at]);
    expect(changed).toEqual([0x1c + 6, 2 * KIB + 0x1c + 6]);
    expect(parsed(file).images[0].pci.deviceId).toBe(0x1c81);
  });
});
