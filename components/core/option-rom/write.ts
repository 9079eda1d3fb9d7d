import { viewOf } from "./header.ts";
import { BLOCK, codeTypeOf, type ImageContent, type RomContent } from "./model.ts";

const PCIR_TEXT = [0x50, 0x43, 0x49, 0x52];
const NPDE_TEXT = [0x4e, 0x50, 0x44, 0x45];

/** A length in bytes as the number of 512-byte blocks that a header field of `bits` bits holds. */
const blocks = (field: string, length: number, bits: 8 | 16): number => {
  const count = length / BLOCK;
  if (!Number.isInteger(count) || count < 0 || count >= 2 ** bits) {
    throw new RangeError(`${field}: ${length} bytes are not 0 to ${2 ** bits - 1} blocks of ${BLOCK} bytes`);
  }
  return count;
};

/** One image: its bytes with its fields written over them. */
const writeImage = (image: ImageContent): Uint8Array => {
  const bytes = image.bytes.slice();
  const view = viewOf(bytes);
  const { pci, code, nvidia, deviceList } = image;

  bytes.set([0x55, 0xaa]);
  view.setUint16(0x18, pci.offset, true);
  if (code.kind === "x86") {
    view.setUint8(0x02, blocks("x86 initialization size", code.initSize, 8));
    if (bytes.length >= 0x1c) view.setUint16(0x1a, code.pnpPointer, true);
  } else if (code.kind === "efi") {
    view.setUint16(0x02, blocks("EFI initialization size", code.initSize, 16), true);
    view.setUint32(0x04, code.signature, true);
    view.setUint16(0x08, code.subsystem, true);
    view.setUint16(0x0a, code.machine, true);
    view.setUint16(0x0c, code.compression, true);
    view.setUint16(0x16, code.imageOffset, true);
  }

  bytes.set(PCIR_TEXT, pci.offset);
  view.setUint16(pci.offset + 0x04, pci.vendorId, true);
  view.setUint16(pci.offset + 0x06, pci.deviceId, true);
  view.setUint16(pci.offset + 0x08, pci.deviceListPointer, true);
  view.setUint16(pci.offset + 0x0a, pci.structureLength, true);
  view.setUint8(pci.offset + 0x0c, pci.revision);
  view.setUint8(pci.offset + 0x0d, pci.classCode & 0xff);
  view.setUint16(pci.offset + 0x0e, pci.classCode >> 8, true);
  view.setUint16(pci.offset + 0x10, blocks("image length", pci.imageLength, 16), true);
  view.setUint16(pci.offset + 0x12, pci.codeRevision, true);
  view.setUint8(pci.offset + 0x14, codeTypeOf(code));
  view.setUint8(pci.offset + 0x15, pci.indicator);
  view.setUint16(pci.offset + 0x16, blocks("maximum run-time length", pci.maxRuntimeLength, 16), true);
  if (pci.revision3) {
    view.setUint16(pci.offset + 0x18, pci.revision3.configUtilityPointer, true);
    view.setUint16(pci.offset + 0x1a, pci.revision3.clpEntryPointer, true);
  }

  if (deviceList.kind === "listed") {
    const start = pci.offset + pci.deviceListPointer;
    for (const [index, deviceId] of [...deviceList.deviceIds, 0].entries()) {
      view.setUint16(start + index * 2, deviceId, true);
    }
  }

  if (nvidia) {
    bytes.set(NPDE_TEXT, nvidia.offset);
    view.setUint16(nvidia.offset + 0x04, nvidia.revision, true);
    view.setUint16(nvidia.offset + 0x06, nvidia.structureLength, true);
    view.setUint16(nvidia.offset + 0x08, blocks("NPDE subimage length", nvidia.subimageLength, 16), true);
    if (nvidia.indicator !== undefined) view.setUint8(nvidia.offset + 0x0a, nvidia.indicator);
  }
  return bytes;
};

/**
 * Writes a file: what precedes the first image, the images with the gaps before them, and what follows. For
 * whatever `parseOptionRom` read the result equals the parsed file byte for byte. No checksum is computed.
 * Throws a RangeError for fields that cannot be written: lengths that are not whole blocks, structures outside
 * of their image.
 */
export const writeOptionRom = (rom: RomContent): Uint8Array => {
  const pieces = [
    rom.leading,
    ...rom.images.flatMap((image) => [image.gap, writeImage(image)]),
    rom.trailing,
  ];
  const file = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return file;
};
