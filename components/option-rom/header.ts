import {
  BLOCK,
  type Checksum,
  type DeviceList,
  type HeaderFault,
  type ImageCode,
  type OptionRomImage,
  type PciDataStructure,
  type PnpTexts,
} from "./model.ts";
import { readNvidiaExtension } from "./nvidia.ts";

/** The fixed part of every image's header: signature, 22 bytes that depend on the code type, PCIR pointer. */
const HEADER_SIZE = 0x1a;
/** The PCI data structure up to and with the maximum run-time length. */
const PCIR_SIZE = 0x18;
/** The same with the two pointers that revision 3 added. */
const PCIR_REVISION_3_SIZE = 0x1c;
/** "PCIR" as a little-endian number. */
const PCIR = 0x52494350;
/** "$PnP" as a little-endian number. */
const PNP = 0x506e5024;
/** Device ids are 16 bits wide and 0 ends the list, so a longer one repeats itself. */
const MAX_LISTED_DEVICES = 0xffff;
/** Longest PnP text: they are short names, and anything longer is cut. */
const MAX_PNP_TEXT = 64;

/** A view of exactly these bytes: reading past them throws instead of returning other bytes of the buffer. */
export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const readPciData = (image: DataView, offset: number): PciDataStructure => {
  const structureLength = image.getUint16(offset + 0x0a, true);
  const revision = image.getUint8(offset + 0x0c);
  const isRevision3 =
    revision >= 3 &&
    structureLength >= PCIR_REVISION_3_SIZE &&
    offset + PCIR_REVISION_3_SIZE <= image.byteLength;
  return {
    offset,
    vendorId: image.getUint16(offset + 0x04, true),
    deviceId: image.getUint16(offset + 0x06, true),
    deviceListPointer: image.getUint16(offset + 0x08, true),
    structureLength,
    revision,
    classCode: image.getUint8(offset + 0x0d) | (image.getUint16(offset + 0x0e, true) << 8),
    imageLength: image.getUint16(offset + 0x10, true) * BLOCK,
    codeRevision: image.getUint16(offset + 0x12, true),
    indicator: image.getUint8(offset + 0x15),
    maxRuntimeLength: image.getUint16(offset + 0x16, true) * BLOCK,
    revision3: isRevision3
      ? {
          configUtilityPointer: image.getUint16(offset + 0x18, true),
          clpEntryPointer: image.getUint16(offset + 0x1a, true),
        }
      : undefined,
  };
};

const readDeviceList = (image: DataView, pci: PciDataStructure): DeviceList => {
  if (pci.revision < 3 || pci.deviceListPointer === 0) return { kind: "none" };
  const deviceIds: number[] = [];
  const start = pci.offset + pci.deviceListPointer;
  for (let at = start; at + 2 <= image.byteLength && deviceIds.length <= MAX_LISTED_DEVICES; at += 2) {
    const deviceId = image.getUint16(at, true);
    if (deviceId === 0) return { kind: "listed", deviceIds };
    deviceIds.push(deviceId);
  }
  return { kind: "broken" };
};

const readCode = (image: DataView, codeType: number): ImageCode => {
  switch (codeType) {
    case 0:
      return {
        kind: "x86",
        initSize: image.getUint8(0x02) * BLOCK,
        pnpPointer: image.byteLength >= 0x1c ? image.getUint16(0x1a, true) : 0,
      };
    case 3:
      return {
        kind: "efi",
        initSize: image.getUint16(0x02, true) * BLOCK,
        signature: image.getUint32(0x04, true),
        subsystem: image.getUint16(0x08, true),
        machine: image.getUint16(0x0a, true),
        compression: image.getUint16(0x0c, true),
        imageOffset: image.getUint16(0x16, true),
      };
    default:
      return { kind: "other", codeType };
  }
};

/**
 * The checksum over the initialization size, as SeaBIOS and PC BIOSes compute it, not over the image length. They
 * refuse a sum that is not 0.
 */
const checksumOf = (bytes: Uint8Array, initSize: number): Checksum => {
  if (initSize === 0) return { kind: "no-size" };
  if (initSize > bytes.length) return { kind: "beyond-image" };
  let sum = 0;
  for (let at = 0; at < initSize; at += 1) sum += bytes[at] ?? 0;
  return sum % 256 === 0 ? { kind: "good" } : { kind: "bad", sum: sum % 256 };
};

const readText = (bytes: Uint8Array, at: number): string | undefined => {
  if (at === 0 || at >= bytes.length) return undefined;
  const limited = bytes.subarray(at, at + MAX_PNP_TEXT);
  const end = limited.indexOf(0);
  const text = end === -1 ? limited : limited.subarray(0, end);
  return text.length === 0 ? undefined : String.fromCharCode(...text);
};

const readPnp = (bytes: Uint8Array, image: DataView, at: number): PnpTexts | undefined => {
  if (at === 0 || at + 0x12 > bytes.length || image.getUint32(at, true) !== PNP) return undefined;
  return {
    manufacturer: readText(bytes, image.getUint16(at + 0x0e, true)),
    product: readText(bytes, image.getUint16(at + 0x10, true)),
  };
};

/** Whether 55h AAh stands at this offset. */
export const hasRomSignature = (bytes: Uint8Array, offset: number): boolean =>
  bytes[offset] === 0x55 && bytes[offset + 1] === 0xaa;

/**
 * Why the bytes at `offset` (which start with 55h AAh) are not an image; undefined if they are one. It takes constant
 * time, so a search may call it at every offset.
 */
export const headerFault = (view: DataView, offset: number): HeaderFault | undefined => {
  if (offset + HEADER_SIZE > view.byteLength) return "cut-off";
  const pcir = view.getUint16(offset + 0x18, true);
  if (offset + pcir + PCIR_SIZE > view.byteLength) return "pointer-outside";
  if (view.getUint32(offset + pcir, true) !== PCIR) return "no-pcir";
  const imageLength = view.getUint16(offset + pcir + 0x10, true) * BLOCK;
  if (imageLength === 0) return "no-length";
  return pcir + PCIR_SIZE > imageLength ? "pointer-outside" : undefined;
};

/**
 * Reads the image at `offset` of the file, after `headerFault` returned undefined. `gap` is the bytes between it and
 * the image before.
 */
export const readImage = (file: Uint8Array, offset: number, gap: Uint8Array): OptionRomImage => {
  const headerView = viewOf(file.subarray(offset));
  const pcirOffset = headerView.getUint16(0x18, true);
  const imageLength = headerView.getUint16(pcirOffset + 0x10, true) * BLOCK;
  const bytes = file.subarray(offset, offset + imageLength);
  const view = viewOf(bytes);
  const pci = readPciData(view, pcirOffset);
  const code = readCode(view, view.getUint8(pcirOffset + 0x14));
  return {
    offset,
    gap,
    bytes,
    pci,
    code,
    deviceList: readDeviceList(view, pci),
    nvidia: readNvidiaExtension(view, pci),
    checksum: code.kind === "x86" ? checksumOf(bytes, code.initSize) : undefined,
    pnp: code.kind === "x86" ? readPnp(bytes, view, code.pnpPointer) : undefined,
  };
};
