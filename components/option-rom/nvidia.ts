import {
  BLOCK,
  marksLast,
  type NvidiaDataExtension,
  type NvidiaImage,
  type PciDataStructure,
} from "./model.ts";

/**
 * NVIDIA's own structures, as three drivers read them: its open kernel module (kernel_gsp_vbios_tu102.c), Linux's
 * nova-core (vbios.rs) and nouveau (bios/image.c).
 */

/** "NPDE", "NVGI" and "RFRD" (ROM directory) as little-endian numbers. */
const NPDE = 0x4544504e;
const NVGI = 0x4947564e;
const RFRD = 0x44524652;
/** "PCIR", and its replacements in NVIDIA's private images, "NPDS" and "RGIS", with the same fields. */
const DATA_STRUCTURES: ReadonlySet<number> = new Set([0x52494350, 0x5344504e, 0x53494752]);
/** 55h AAh, and its replacements in NVIDIA's private images, "VN" and 77h BBh. */
const SIGNATURES: ReadonlySet<number> = new Set([0xaa55, 0x4e56, 0xbb77]);
/** Size up to and with the subimage length; the indicator is one byte more. */
const NPDE_SIZE = 0x0a;
/** Notebook system information: it has another header and ends the chain. */
const NBSI = 0x70;
const PCIR_SIZE = 0x18;

/** The structure's offset: after the PCI data structure, at the next multiple of 16 from the image's start. */
const extensionOffset = (pcirOffset: number, structureLength: number): number =>
  (pcirOffset + structureLength + 0x0f) & ~0x0f;

/** Reads NVIDIA's extension of an image; undefined if it has none. `image` holds exactly the image's bytes. */
export const readNvidiaExtension = (
  image: DataView,
  pci: Pick<PciDataStructure, "offset" | "structureLength">,
): NvidiaDataExtension | undefined => {
  const offset = extensionOffset(pci.offset, pci.structureLength);
  if (offset + NPDE_SIZE > image.byteLength || image.getUint32(offset, true) !== NPDE) return undefined;
  const structureLength = image.getUint16(offset + 0x06, true);
  const hasIndicator = structureLength > NPDE_SIZE && offset + NPDE_SIZE < image.byteLength;
  return {
    offset,
    revision: image.getUint16(offset + 0x04, true),
    structureLength,
    subimageLength: image.getUint16(offset + 0x08, true) * BLOCK,
    indicator: hasIndicator ? image.getUint8(offset + NPDE_SIZE) : undefined,
  };
};

/** The first image's offset from NVIDIA's container header; undefined if the header has none. */
const imageOffsetOf = (file: DataView, version: number): number | undefined => {
  const read = (at: number): number | undefined =>
    at >= 0 && at + 4 <= file.byteLength ? file.getUint32(at, true) : undefined;
  if (version === 1 || version === 2) {
    const fixedDataSize = file.getUint16(0x06, true) & 0x7fff;
    return read(fixedDataSize + 4);
  }
  if (version === 3) {
    const totalDataSize = file.getUint32(0x08, true) & 0xfffff;
    const flashStatus = read(totalDataSize);
    if (flashStatus === undefined) return undefined;
    const directory = flashStatus + 4096;
    return read(directory) === RFRD ? read(directory + 8) : undefined;
  }
  return undefined;
};

/** Reads NVIDIA's init-from-ROM header at the start of a file; undefined if there is none. */
export const readNvidiaContainer = (
  file: DataView,
): { readonly version: number; readonly imageOffset: number | undefined } | undefined => {
  if (file.byteLength < 0x0c || file.getUint32(0, true) !== NVGI) return undefined;
  const version = file.getUint8(0x05);
  return { version, imageOffset: imageOffsetOf(file, version) };
};

interface ChainLink extends NvidiaImage {
  /** Offset of the next image in NVIDIA's chain from this one's start; undefined for the last image. */
  readonly next: number | undefined;
}

const readLink = (file: DataView, offset: number): ChainLink | undefined => {
  if (offset + 0x1a > file.byteLength || !SIGNATURES.has(file.getUint16(offset, true))) return undefined;
  const pcir = file.getUint16(offset + 0x18, true);
  const at = offset + pcir;
  if (at + PCIR_SIZE > file.byteLength || !DATA_STRUCTURES.has(file.getUint32(at, true))) return undefined;
  const pciLength = file.getUint16(at + 0x10, true) * BLOCK;
  const codeType = file.getUint8(at + 0x14);
  const rest = new DataView(file.buffer, file.byteOffset + offset, file.byteLength - offset);
  const structureLength = file.getUint16(at + 0x0a, true);
  const extension = readNvidiaExtension(rest, { offset: pcir, structureLength });
  const length = extension?.subimageLength ?? pciLength;
  // Without an indicator, a subimage that is shorter than the image is followed by others.
  const isLast =
    extension?.indicator !== undefined
      ? marksLast(extension.indicator)
      : marksLast(file.getUint8(at + 0x15)) && length >= pciLength;
  return {
    offset,
    length,
    codeType,
    vendorId: file.getUint16(at + 0x04, true),
    deviceId: file.getUint16(at + 0x06, true),
    next: isLast || codeType === NBSI || length === 0 ? undefined : length,
  };
};

/**
 * NVIDIA's chain from the first image on, by the lengths and last-image bits of its extension: the images that its
 * driver sees. Every step advances by at least 512 bytes.
 */
export const readNvidiaChain = (file: DataView, start: number): readonly NvidiaImage[] => {
  const images: NvidiaImage[] = [];
  let offset: number | undefined = start;
  while (offset !== undefined) {
    const link = readLink(file, offset);
    if (!link) break;
    const { next, ...image } = link;
    images.push(image);
    offset = next === undefined ? undefined : offset + next;
  }
  return images;
};
