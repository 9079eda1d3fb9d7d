import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  ImageCode,
  ImageContent,
  NvidiaDataExtension,
  OptionRom,
  PciDataStructure,
  RomContent,
} from "../../../components/option-rom/model.ts";
import { codeTypeOf } from "../../../components/option-rom/model.ts";
import { parseOptionRom } from "../../../components/option-rom/parse.ts";
import { writeOptionRom } from "../../../components/option-rom/write.ts";

/** Where Debian's packages ipxe-qemu and seabios keep their option ROMs. */
const IPXE = "/usr/lib/ipxe/qemu";
const SEABIOS = "/usr/share/seabios";

const listRoms = (folder: string, pattern: RegExp, debianPackage: string): readonly string[] => {
  const names = readdirSync(folder).filter((name) => pattern.test(name));
  if (names.length === 0) throw new Error(`no ROM in ${folder}: is the package ${debianPackage} installed?`);
  return names.map((name) => join(folder, name));
};

export const ipxeRom = (name: string): string => join(IPXE, name);
export const seabiosRom = (name: string): string => join(SEABIOS, name);
export const listIpxeRoms = (): readonly string[] => listRoms(IPXE, /\.rom$/, "ipxe-qemu");
export const listVgaBioses = (): readonly string[] => listRoms(SEABIOS, /^vgabios.*\.bin$/, "seabios");

/** A file's bytes as a plain array, so that a test compares bytes and not Buffers. */
export const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** What a test parses and expects to be a ROM. */
export const parsed = (file: Uint8Array): OptionRom => {
  const result = parseOptionRom(file);
  if (!result.ok) throw new Error(`expected an option ROM, found ${JSON.stringify(result.fault)}`);
  return result.rom;
};

export const KIB = 1024;

const x86Code = (initSize: number): ImageCode => ({ kind: "x86", initSize, pnpPointer: 0 });

export const efiCode = (
  initSize: number,
  fields: Partial<Extract<ImageCode, { kind: "efi" }>> = {},
): ImageCode => ({
  kind: "efi",
  signature: 0x0ef1,
  initSize,
  subsystem: 0x0b,
  machine: 0x8664,
  compression: 0,
  imageOffset: 0x60,
  ...fields,
});

export interface ImageRecipe {
  readonly code: ImageCode;
  /** Bytes, a multiple of 512. */
  readonly size: number;
  readonly pci?: Partial<PciDataStructure>;
  readonly nvidia?: Partial<NvidiaDataExtension>;
  readonly deviceIds?: readonly number[];
  readonly gap?: Uint8Array;
  readonly last?: boolean;
}

const PCIR_OFFSET = 0x1c;

/** Bytes that look like code: neither blank nor random. */
const body = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, at) => (at * 7 + 3) % 251);

/** Makes the first `initSize` bytes of a written x86 image add up to 0, by their last byte. */
const balance = (bytes: Uint8Array, initSize: number): void => {
  const sum = bytes.subarray(0, initSize - 1).reduce((total, byte) => total + byte, 0);
  bytes[initSize - 1] = (256 - (sum % 256)) % 256;
};

/** A well-made image of a GTX 1050 (10de:1c81), with what the recipe says instead. */
export const makeImage = (recipe: ImageRecipe): ImageContent => {
  const { code, size } = recipe;
  const bytes = body(size);
  if (code.kind === "efi") bytes.set([0x4d, 0x5a], code.imageOffset);
  const isRevision3 = recipe.deviceIds !== undefined;
  const pci: PciDataStructure = {
    offset: PCIR_OFFSET,
    vendorId: 0x10de,
    deviceId: 0x1c81,
    deviceListPointer: isRevision3 ? 0x80 : 0,
    structureLength: isRevision3 ? 0x1c : 0x18,
    revision: isRevision3 ? 3 : 0,
    classCode: 0x030000,
    imageLength: size,
    codeRevision: 1,
    indicator: recipe.last === true ? 0x80 : 0,
    maxRuntimeLength: 0,
    revision3: isRevision3 ? { configUtilityPointer: 0, clpEntryPointer: 0 } : undefined,
    ...recipe.pci,
  };
  const image: ImageContent = {
    gap: recipe.gap ?? new Uint8Array(),
    bytes,
    pci,
    code,
    deviceList: recipe.deviceIds ? { kind: "listed", deviceIds: recipe.deviceIds } : { kind: "none" },
    nvidia: recipe.nvidia && {
      offset: (pci.offset + pci.structureLength + 15) & ~15,
      revision: 0x0101,
      structureLength: 0x0c,
      subimageLength: size,
      indicator: 0,
      ...recipe.nvidia,
    },
  };
  const written = writeOptionRom({ leading: new Uint8Array(), images: [image], trailing: new Uint8Array() });
  const own = written.subarray(image.gap.length);
  if (code.kind === "x86" && code.initSize > 0 && code.initSize <= size) balance(own, code.initSize);
  return { ...image, bytes: own };
};

export const makeX86 = (size: number, recipe: Partial<ImageRecipe> = {}): ImageContent =>
  makeImage({ code: x86Code(size), size, ...recipe });

export const makeEfi = (size: number, recipe: Partial<ImageRecipe> = {}): ImageContent =>
  makeImage({ code: efiCode(size), size, ...recipe });

export const makeRom = (
  images: readonly ImageContent[],
  around: Partial<Pick<RomContent, "leading" | "trailing">> = {},
): Uint8Array => writeOptionRom({ leading: new Uint8Array(), trailing: new Uint8Array(), ...around, images });

/** Bytes without 55h, so that no ROM signature is among them. */
const container = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, at) => at % 0x50);

/** NVIDIA's container header of the given size and version, which says where the first image is. */
export const makeContainer = (size: number, version: 1 | 2 | 3): Uint8Array => {
  const bytes = container(size);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("NVGI"));
  view.setUint32(0x04, (0x10 << 16) | (version << 8), true);
  view.setUint32(0x08, 0x20, true);
  if (version === 3) {
    const flashStatus = 0x100;
    view.setUint32(0x20, flashStatus, true);
    bytes.set(new TextEncoder().encode("RFRD"), flashStatus + 4096);
    view.setUint32(flashStatus + 4096 + 8, size, true);
  } else {
    view.setUint32(0x14, size, true);
  }
  return bytes;
};

/** One of NVIDIA's private images, as they follow or lie inside the firmware's: "VN" and "NPDS". */
export const makePrivateImage = (size: number, last: boolean): Uint8Array => {
  const image = makeImage({
    code: { kind: "other", codeType: 0xe0 },
    size,
    pci: { offset: 0x40 },
    nvidia: { indicator: last ? 0x80 : 0 },
  });
  const bytes = image.bytes.slice();
  bytes.set(new TextEncoder().encode("VN"));
  bytes.set(new TextEncoder().encode("NPDS"), 0x40);
  return bytes;
};

/**
 * A file as a GTX 1050's: an x86 image whose length also covers a private one, an EFI image marked as last, and,
 * when `size` leaves room, private images up to `size`. 128 KiB of images, whatever precedes and follows them.
 */
export const makeNvidiaRom = (options: {
  readonly leading?: Uint8Array;
  readonly size: number;
}): Uint8Array => {
  const leading = options.leading ?? new Uint8Array();
  const subimage = 48 * KIB;
  const inner = makePrivateImage(16 * KIB, false);
  const x86 = makeImage({
    code: x86Code(subimage),
    size: subimage + inner.length,
    nvidia: { subimageLength: subimage },
  });
  const bytes = x86.bytes.slice();
  bytes.set(inner, subimage);
  const efi = makeEfi(64 * KIB, { last: true, nvidia: { indicator: 0 } });
  const rest = options.size - leading.length - 128 * KIB;
  const trailing = rest > 0 ? makePrivateImage(rest, true) : new Uint8Array();
  return makeRom([{ ...x86, bytes }, efi], { leading, trailing });
};

/** The code types of a ROM's images, in their order. */
export const codeTypes = (rom: OptionRom): readonly number[] =>
  rom.images.map(({ code }) => codeTypeOf(code));
