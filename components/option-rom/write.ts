import { viewOf } from "./header.ts";
import { BLOCK, codeTypeOf, type ImageContent, type RomContent } from "./model.ts";

/**
 * Writes `size` bytes of `value`, little-endian. Throws a RangeError with the field's name for a value that does not
 * fit.
 */
type Put = (field: string, at: number, size: 1 | 2 | 4, value: number) => void;

const putInto = (bytes: Uint8Array): Put => {
  const view = viewOf(bytes);
  return (field, at, size, value) => {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (size * 8)) {
      throw new RangeError(`${field}: ${value} is not a number of ${size * 8} bits`);
    }
    if (!Number.isInteger(at) || at < 0 || at + size > bytes.length) {
      throw new RangeError(`${field}: offset ${at} is outside the image's ${bytes.length} bytes`);
    }
    if (size === 1) view.setUint8(at, value);
    else if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  };
};

/** A length in bytes as a number of 512-byte blocks. */
const blocks = (field: string, length: number): number => {
  if (length % BLOCK !== 0) throw new RangeError(`${field}: ${length} is not a multiple of ${BLOCK} bytes`);
  return length / BLOCK;
};

const PCIR = 0x52494350;
const NPDE = 0x4544504e;

const putCode = (put: Put, { code, bytes }: ImageContent): void => {
  if (code.kind === "x86") {
    const field = "x86 initialization size";
    put(field, 0x02, 1, blocks(field, code.initSize));
    if (bytes.length >= 0x1c) put("PnP pointer", 0x1a, 2, code.pnpPointer);
  } else if (code.kind === "efi") {
    const field = "EFI initialization size";
    put(field, 0x02, 2, blocks(field, code.initSize));
    put("EFI signature", 0x04, 4, code.signature);
    put("EFI subsystem", 0x08, 2, code.subsystem);
    put("EFI machine type", 0x0a, 2, code.machine);
    put("EFI compression type", 0x0c, 2, code.compression);
    put("EFI image offset", 0x16, 2, code.imageOffset);
  }
};

const putPciData = (put: Put, { pci, code }: ImageContent): void => {
  const at = pci.offset;
  put("PCI data structure", at, 4, PCIR);
  put("vendor id", at + 0x04, 2, pci.vendorId);
  put("device id", at + 0x06, 2, pci.deviceId);
  put("device list pointer", at + 0x08, 2, pci.deviceListPointer);
  put("PCI data structure length", at + 0x0a, 2, pci.structureLength);
  put("PCI data structure revision", at + 0x0c, 1, pci.revision);
  put("class code", at + 0x0d, 1, pci.classCode & 0xff);
  put("class code", at + 0x0e, 2, pci.classCode >>> 8);
  put("image length", at + 0x10, 2, blocks("image length", pci.imageLength));
  put("code revision", at + 0x12, 2, pci.codeRevision);
  put("code type", at + 0x14, 1, codeTypeOf(code));
  put("indicator", at + 0x15, 1, pci.indicator);
  put("maximum run-time length", at + 0x16, 2, blocks("maximum run-time length", pci.maxRuntimeLength));
  if (pci.revision3) {
    put("configuration utility pointer", at + 0x18, 2, pci.revision3.configUtilityPointer);
    put("CLP entry pointer", at + 0x1a, 2, pci.revision3.clpEntryPointer);
  }
};

const putDeviceList = (put: Put, { pci, deviceList }: ImageContent): void => {
  if (deviceList.kind !== "listed") return;
  const start = pci.offset + pci.deviceListPointer;
  for (const [index, deviceId] of [...deviceList.deviceIds, 0].entries()) {
    put("device list", start + index * 2, 2, deviceId);
  }
};

const putNvidiaExtension = (put: Put, { nvidia }: ImageContent): void => {
  if (!nvidia) return;
  const at = nvidia.offset;
  put("NPDE", at, 4, NPDE);
  put("NPDE revision", at + 0x04, 2, nvidia.revision);
  put("NPDE length", at + 0x06, 2, nvidia.structureLength);
  put("NPDE subimage length", at + 0x08, 2, blocks("NPDE subimage length", nvidia.subimageLength));
  if (nvidia.indicator !== undefined) put("NPDE indicator", at + 0x0a, 1, nvidia.indicator);
};

/** Writes one image: its bytes, overwritten with its fields. */
const writeImage = (image: ImageContent): Uint8Array => {
  const bytes = image.bytes.slice();
  const put = putInto(bytes);
  put("ROM signature", 0x00, 2, 0xaa55);
  put("PCI data structure pointer", 0x18, 2, image.pci.offset);
  putCode(put, image);
  putPciData(put, image);
  putDeviceList(put, image);
  putNvidiaExtension(put, image);
  return bytes;
};

/**
 * Writes a file: the bytes before the first image, the images with the gaps before them, and the bytes after. For a
 * file that `parseOptionRom` read, the result equals that file byte for byte. No checksum is computed.
 * Throws a RangeError that names the field for values that cannot be written: numbers that are too large, lengths
 * that are not whole blocks, structures outside their image.
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
