import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeOptionRom } from "../../../components/option-rom/judge.ts";
import type { ImageCode, ImageContent, ParsedRom, RomContent } from "../../../components/option-rom/model.ts";
import { parseOptionRom } from "../../../components/option-rom/parse.ts";
import { patchOptionRom } from "../../../components/option-rom/patch.ts";
import { writeOptionRom } from "../../../components/option-rom/write.ts";
import {
  ipxeRom,
  KIB,
  makeContainer,
  makeEfi,
  makeNvidiaRom,
  makePrivateImage,
  makeRom,
  makeX86,
  parsed,
  readBytes,
  seabiosRom,
} from "../support/option-rom.ts";
import { inputs } from "../../support/extent.ts";

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const blocks = (max: number) => fc.integer({ min: 0, max }).map((count) => count * 512);

const code: fc.Arbitrary<ImageCode> = fc.oneof(
  fc.record({ kind: fc.constant("x86" as const), initSize: blocks(0xff), pnpPointer: u16 }),
  fc.record({
    kind: fc.constant("efi" as const),
    signature: fc.oneof(fc.constant(0x0ef1), fc.integer({ min: 0, max: 0xffffffff })),
    initSize: blocks(0xffff),
    subsystem: u16,
    machine: fc.oneof(fc.constant(0x8664), u16),
    compression: u16,
    imageOffset: u16,
  }),
  fc.record({
    kind: fc.constant("other" as const),
    codeType: u8.filter((value) => value !== 0 && value !== 3),
  }),
);

/** Offsets of the structures in a made-up image, so that none overlaps another. */
const PCIR = 0x20;
const NPDE = 0x40;
const DEVICE_LIST = 0x80;

/** An image with any fields and content, whose bytes match its fields. */
const image = (last: boolean): fc.Arbitrary<ImageContent> =>
  fc
    .record({
      content: fc
        .integer({ min: 1, max: 4 })
        .chain((count) => fc.uint8Array({ minLength: count * 512, maxLength: count * 512 })),
      code,
      ids: fc.record({ vendorId: u16, deviceId: u16, codeRevision: u16, maxRuntimeLength: blocks(0xffff) }),
      classCode: fc.integer({ min: 0, max: 0xffffff }),
      reserved: fc.integer({ min: 0, max: 0x7f }),
      revision3: fc.option(fc.record({ configUtilityPointer: u16, clpEntryPointer: u16 }), {
        nil: undefined,
      }),
      devices: fc.array(fc.integer({ min: 1, max: 0xffff }), { maxLength: 20 }),
      nvidia: fc.option(
        fc.record({ revision: u16, subimageLength: blocks(8), indicator: fc.option(u8, { nil: undefined }) }),
        { nil: undefined },
      ),
    })
    .map(({ content, ids, reserved, revision3, devices, nvidia, ...rest }): ImageContent => {
      const isListed = revision3 !== undefined && devices.length > 0;
      // No extension, and no text that looks like one.
      content.fill(0, NPDE, NPDE + 4);
      return {
        gap: new Uint8Array(),
        bytes: content,
        code: rest.code,
        pci: {
          ...ids,
          offset: PCIR,
          deviceListPointer: isListed ? DEVICE_LIST - PCIR : 0,
          structureLength: revision3 ? 0x1c : 0x18,
          revision: revision3 ? 3 : 0,
          classCode: rest.classCode,
          imageLength: content.length,
          indicator: reserved | (last ? 0x80 : 0),
          revision3,
        },
        deviceList: isListed ? { kind: "listed", deviceIds: devices } : { kind: "none" },
        nvidia: nvidia && {
          ...nvidia,
          offset: NPDE,
          structureLength: nvidia.indicator === undefined ? 0x0a : 0x0c,
        },
      };
    });

/** Bytes without 55h, so that they contain no image. */
const surroundings = fc
  .uint8Array({ maxLength: 2048 })
  .map((bytes) => bytes.map((byte) => (byte === 0x55 ? 0x54 : byte)));

const rom: fc.Arbitrary<RomContent> = fc.record({
  leading: surroundings,
  images: fc
    .tuple(fc.array(image(false), { maxLength: 3 }), image(true))
    .map(([images, last]) => [...images, last]),
  trailing: fc.uint8Array({ maxLength: 2048 }),
});

/** Fields of an image, without its bytes and without fields that only the parser adds. */
const fields = ({ gap, pci, code, deviceList, nvidia }: ImageContent) => ({
  gap,
  pci,
  code,
  deviceList,
  nvidia,
});

// A busy machine is slow, but a quadratic algorithm would take hours.
const AMPLE = { timeout: 60_000 };

describe("round trips", AMPLE, () => {
  test("a written file is parsed to the same fields", () => {
    fc.assert(
      fc.property(rom, (content) => {
        const read = parsed(writeOptionRom(content));
        expect(read.images.map(fields)).toEqual(content.images.map(fields));
        expect(Buffer.compare(read.leading, content.leading)).toBe(0);
        expect(Buffer.compare(read.trailing, content.trailing)).toBe(0);
        expect(read.end).toEqual({ kind: "last-image" });
      }),
    );
  });

  test("parse(write(x)) is x for every parsed x", () => {
    fc.assert(
      fc.property(rom, (content) => {
        const read = parsed(writeOptionRom(content));
        expect(parsed(writeOptionRom(read))).toEqual(read);
      }),
    );
  });

  test("content of an image outside its header stays as it is", () => {
    fc.assert(
      fc.property(rom, (content) => {
        const [first] = parsed(writeOptionRom(content)).images;
        const body = (bytes: Uint8Array) => bytes.subarray(DEVICE_LIST + 50);
        expect(Buffer.compare(body(first.bytes), body(content.images[0]?.bytes ?? new Uint8Array()))).toBe(0);
      }),
    );
  });
});

/** What must be true for any bytes. Nothing may throw: the readers' views throw if they overrun. */
const checkAnything = (file: Uint8Array): void => {
  const before = Buffer.from(file);
  const result = parseOptionRom(file);
  const judgement = judgeOptionRom(result);
  const patched = patchOptionRom(result);
  expect(Buffer.compare(file, before)).toBe(0);

  if (result.ok) {
    const { leading, images, trailing, end } = result.rom;
    expect(Buffer.compare(writeOptionRom(result.rom), file)).toBe(0);
    let at = leading.length;
    for (const { offset, gap, bytes, pci } of images) {
      expect(offset).toBe(at + gap.length);
      at = offset + bytes.length;
      expect(pci.imageLength).toBeGreaterThan(0);
    }
    expect(at + trailing.length).toBe(file.length);
    expect(end.kind === "truncated").toBe(images.some(({ bytes, pci }) => bytes.length < pci.imageLength));
  } else {
    expect(judgement.verdict).toBe("unusable");
    expect(patched.kind).toBe("refused");
  }
  if (patched.kind !== "refused") {
    expect(patched.rom.leading).toHaveLength(0);
    expect(Buffer.compare(writeOptionRom(patched.rom), patched.bytes)).toBe(0);
    expect(patchOptionRom(parseOptionRom(patched.bytes)).kind).toBe("unchanged");
  }
  if (judgement.verdict === "needs-patch") {
    expect(patched.kind).toBe("patched");
    if (patched.kind === "patched") {
      expect(judgeOptionRom({ ok: true, rom: patched.rom }).verdict).toBe("usable");
    }
  }
};

/** A result as JSON, with digests instead of byte ranges. */
const digested = (result: ParsedRom): unknown =>
  JSON.parse(
    JSON.stringify(result, (_, value: unknown) =>
      value instanceof Uint8Array ? createHash("sha256").update(value).digest("hex") : value,
    ),
  );

/** An image with a possible header, any fields, and possibly without its end. */
const headed = fc
  .record({
    bytes: fc.uint8Array({ minLength: 0x80, maxLength: 1024 }),
    pointer: fc.oneof({ weight: 8, arbitrary: fc.constant(0x1c) }, { weight: 1, arbitrary: u16 }),
    length: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 2 }) }, { weight: 1, arbitrary: u16 }),
    type: fc.oneof(fc.constantFrom(0, 3), u8),
  })
  .map(({ bytes, pointer, length, type }) => {
    const view = new DataView(bytes.buffer);
    bytes.set([0x55, 0xaa]);
    view.setUint16(0x18, pointer, true);
    bytes.set(new TextEncoder().encode("PCIR"), 0x1c);
    view.setUint16(0x2c, length, true);
    view.setUint8(0x30, type);
    bytes.set(new TextEncoder().encode("NPDE"), 0x40);
    return bytes;
  });

/** Random bytes with the signatures that the parser looks for. */
const garbage = fc
  .array(
    fc.oneof(
      headed,
      fc.uint8Array({ maxLength: 64 }),
      fc
        .constantFrom(
          "\u0055\u00aa",
          "PCIR",
          "NPDE",
          "NPDS",
          "NVGI",
          "RFRD",
          "$PnP",
          "VN",
          "MZ",
          "\u0000\u0000",
        )
        .map((text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0))),
      u16.map((value) => Uint8Array.of(value & 0xff, value >> 8)),
    ),
    { maxLength: 80 },
  )
  .map((pieces) => new Uint8Array(Buffer.concat(pieces)));

const seeds: readonly Uint8Array[] = [
  readBytes(ipxeRom("efi-e1000.rom")),
  readBytes(ipxeRom("pxe-virtio.rom")),
  readBytes(seabiosRom("vgabios-stdvga.bin")),
  readBytes(seabiosRom("vgabios-isavga.bin")),
  makeNvidiaRom({ leading: makeContainer(0x600, 2), size: 256 * KIB }),
  makeNvidiaRom({ leading: makeContainer(0x9400, 3), size: 256 * KIB }),
];

/** Offsets in a file, mostly in a header: of the container, or within 128 bytes of a 55h AAh or PCIR. */
const interestingOffsets = (file: Uint8Array): readonly number[] => {
  const text = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const starts = [0];
  for (const word of [Buffer.of(0x55, 0xaa), Buffer.from("PCIR"), Buffer.from("NPDE"), Buffer.from("NPDS")]) {
    for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) starts.push(at);
  }
  return starts;
};

const mutated = fc
  .constantFrom(...seeds.map((file) => ({ file, starts: interestingOffsets(file) })))
  .chain(({ file, starts }) =>
    fc
      .record({
        edits: fc.array(
          fc.tuple(
            fc.oneof(
              {
                weight: 4,
                arbitrary: fc
                  .tuple(fc.constantFrom(...starts), fc.integer({ min: 0, max: 128 }))
                  .map(([at, by]) => at + by),
              },
              { weight: 1, arbitrary: fc.integer({ min: 0, max: file.length - 1 }) },
            ),
            fc.oneof(u8, fc.constantFrom(0, 0xff, 0x80, 0x55, 0xaa)),
          ),
          { maxLength: 12 },
        ),
        start: fc.oneof(
          { weight: 3, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.nat(file.length) },
        ),
        end: fc.oneof(
          { weight: 3, arbitrary: fc.constant(file.length) },
          { weight: 1, arbitrary: fc.nat(file.length) },
        ),
      })
      .map(({ edits, start, end }) => {
        const copy = file.slice();
        for (const [at, value] of edits) if (at < copy.length) copy[at] = value;
        return copy.subarray(start, Math.max(start, end));
      }),
  );

describe("anything at all", AMPLE, () => {
  test("garbage", () => {
    expect(() => fc.assert(fc.property(garbage, checkAnything), inputs(3000))).not.toThrow();
  });

  test("mutated real ROMs", () => {
    expect(() => fc.assert(fc.property(mutated, checkAnything), inputs(400))).not.toThrow();
  });

  test("a file with every structure, cut at every byte", () => {
    const structures = { deviceIds: [0x1c81, 0x1c82], nvidia: {} };
    const efi = makeEfi(512, { ...structures, last: true });
    const file = makeRom([makeX86(512, structures), efi], { trailing: makePrivateImage(512, true) });
    expect(parsed(file)).toMatchObject({
      images: [{ nvidia: { indicator: 0 } }, { pci: { revision: 3 } }],
      nvidiaImages: [{ offset: 1024 }],
    });
    for (let size = 0; size <= file.length; size += 1) {
      expect(() => checkAnything(file.subarray(0, size))).not.toThrow();
    }
  });

  test("bytes outside the file are never read", () => {
    fc.assert(
      fc.property(fc.oneof(garbage, mutated), fc.integer({ min: 1, max: 64 }), (file, before) => {
        const embed = (poison: number): Uint8Array => {
          const host = new Uint8Array(before + file.length + 70_000).fill(poison);
          host.set(file, before);
          return host.subarray(before, before + file.length);
        };
        expect(digested(parseOptionRom(embed(0x01)))).toEqual(digested(parseOptionRom(embed(0xfe))));
      }),
      inputs(60),
    );
  });
});

describe("16 MiB of hostile bytes are read in time that grows with the size only", AMPLE, () => {
  const SIZE = 16 * KIB * KIB;
  const fill = (pattern: Uint8Array): Uint8Array => {
    const file = new Uint8Array(SIZE);
    for (let at = 0; at + pattern.length <= SIZE; at += pattern.length) file.set(pattern, at);
    return file;
  };

  test.each([
    ["nothing but signatures", fill(Uint8Array.of(0x55, 0xaa)), 0],
    [
      "the smallest images, each with the largest initialization size and an endless device list",
      () => {
        const pattern = new Uint8Array(512).fill(0x11);
        pattern.set([0x55, 0xaa, 0xff]);
        pattern.set([0x1c, 0x00], 0x18);
        pattern.set(new TextEncoder().encode("PCIR"), 0x1c);
        pattern.set(
          [0x1c, 0x00, 0x1c, 0x00, 0x03, 0x00, 0x00, 0x03, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00],
          0x24,
        );
        return fill(pattern);
      },
      SIZE / 512,
    ],
    [
      "an image, and no other behind it",
      () => {
        const file = new Uint8Array(SIZE);
        file.set([0x55, 0xaa, 0x01]);
        file.set([0x1c, 0x00], 0x18);
        file.set(new TextEncoder().encode("PCIR"), 0x1c);
        file.set([0x01, 0x00], 0x2c);
        return file;
      },
      1,
    ],
  ])("%s", (_, make, images) => {
    const file = typeof make === "function" ? make() : make;
    const result = parseOptionRom(file);
    expect(result.ok ? result.rom.images.length : 0).toBe(images);
    judgeOptionRom(result);
    patchOptionRom(result);
  });
});
