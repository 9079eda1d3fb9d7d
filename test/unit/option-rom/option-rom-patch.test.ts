import { describe, expect, test } from "vitest";
import { judgeOptionRom } from "../../../components/option-rom/judge.ts";
import { parseOptionRom } from "../../../components/option-rom/parse.ts";
import { patchOptionRom } from "../../../components/option-rom/patch.ts";
import {
  codeTypes,
  KIB,
  makeContainer,
  makeEfi,
  makeNvidiaRom,
  makeRom,
  makeX86,
} from "../support/option-rom.ts";

const patch = (file: Uint8Array) => patchOptionRom(parseOptionRom(file));

/** The patched bytes of a file that needs patching. */
const patchedBytes = (file: Uint8Array): Uint8Array => {
  const result = patch(file);
  if (result.kind === "refused") throw new Error(`expected a patched file, found: ${result.reason}`);
  return result.bytes;
};

/** The images alone, as in a dump through sysfs: 128 KiB. */
const images = makeNvidiaRom({ size: 128 * KIB });

describe("bytes around the images are cut", () => {
  test.each([
    ["a container of 1.5 KiB, NVGI version 1, 129.5 KiB", makeContainer(0x600, 1), 128 * KIB + 0x600],
    ["a container of 1.5 KiB, NVGI version 2, 256 KiB", makeContainer(0x600, 2), 256 * KIB],
    ["a container of 37 KiB, NVGI version 3, 256 KiB", makeContainer(0x9400, 3), 256 * KIB],
    ["a container of an unknown kind", new Uint8Array(1024).fill(0x41), 256 * KIB],
    ["no container, private images after the last image", new Uint8Array(), 256 * KIB],
  ])("%s", (_, leading, size) => {
    const file = makeNvidiaRom({ leading, size });
    const before = file.slice();
    const result = patch(file);
    expect(result).toMatchObject({
      kind: "patched",
      cut: { leading: leading.length, trailing: size - 128 * KIB - leading.length },
    });
    expect(Buffer.compare(patchedBytes(file), images)).toBe(0);
    expect(Buffer.compare(file, before)).toBe(0);
    expect(judgeOptionRom(parseOptionRom(patchedBytes(file))).verdict).toBe("usable");
  });

  test("patching again changes nothing", () => {
    const once = patchedBytes(makeNvidiaRom({ leading: makeContainer(0x600, 2), size: 256 * KIB }));
    expect(patch(once).kind).toBe("unchanged");
    expect(Buffer.compare(patchedBytes(once), once)).toBe(0);
  });

  test("a gap between images stays", () => {
    const gap = new Uint8Array(512).fill(0x20);
    const file = makeRom([makeX86(64 * KIB), makeEfi(64 * KIB, { gap, last: true })]);
    const leading = makeContainer(0x600, 2);
    expect(Buffer.compare(patchedBytes(Buffer.concat([leading, file])), file)).toBe(0);
  });

  test("a wrong x86 checksum stays wrong", () => {
    const file = makeNvidiaRom({ leading: makeContainer(0x600, 2), size: 256 * KIB });
    file[0x600 + 0x200] = (file[0x600 + 0x200] ?? 0) + 1;
    const result = patch(file);
    expect(result).toMatchObject({
      kind: "patched",
      rom: { images: [{ checksum: { kind: "bad", sum: 1 } }, {}] },
    });
    expect(Buffer.compare(patchedBytes(file), file.subarray(0x600, 0x600 + 128 * KIB))).toBe(0);
  });

  test("code beyond an x86 image's end that belongs to it stays", () => {
    const x86 = makeX86(2 * KIB, { code: { kind: "x86", initSize: 4 * KIB, pnpPointer: 0 }, last: true });
    const rom = makeRom([x86], { trailing: new Uint8Array(2 * KIB).fill(0x20) });
    const file = Buffer.concat([makeContainer(0x600, 2), rom]);
    expect(patch(file)).toMatchObject({ kind: "patched", cut: { leading: 0x600, trailing: 0 } });
    expect(Buffer.compare(patchedBytes(file), rom)).toBe(0);
  });

  test("an EFI image that is not marked as last is kept, padding after it is cut", () => {
    const rom = makeRom([makeX86(64 * KIB), makeEfi(64 * KIB)]);
    const result = patch(Buffer.concat([rom, new Uint8Array(64 * KIB).fill(0xff)]));
    expect(result).toMatchObject({ kind: "patched", cut: { leading: 0, trailing: 64 * KIB } });
    expect(result.kind !== "refused" && codeTypes(result.rom)).toEqual([0, 3]);
  });
});

describe("refused", () => {
  const lost = makeRom([makeX86(64 * KIB), makeEfi(64 * KIB, { last: true })]);
  lost[64 * KIB] = 0;

  test.each([
    ["no ROM", new Uint8Array(128 * KIB).fill(0xff), "it has no PCI option ROM image"],
    ["truncated", images.subarray(0, 100 * KIB), "28 KiB of image 2 are missing: dump the ROM again"],
    ["an image is gone", lost, "image 2 should start at 0x10000, but there is none: dump the ROM again"],
    [
      "only code of unknown types",
      makeRom([makeX86(64 * KIB, { code: { kind: "other", codeType: 0xe0 }, last: true })]),
      "it has neither an x86 nor an EFI image",
    ],
  ])("%s", (_, file, reason) => {
    expect(patch(file)).toEqual({ kind: "refused", reason });
  });
});
