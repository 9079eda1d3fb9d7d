import { hasRomSignature, headerFault, readImage, viewOf } from "./header.ts";
import {
  BLOCK,
  type ChainEnd,
  type Container,
  type HeaderFault,
  marksLast,
  MAX_ROM_SIZE,
  type NvidiaImage,
  type OptionRomImage,
  type ParsedRom,
} from "./model.ts";
import { readNvidiaChain, readNvidiaContainer } from "./nvidia.ts";

type FirstImage =
  | { readonly ok: true; readonly offset: number }
  | {
      readonly ok: false;
      readonly nearest: { readonly offset: number; readonly fault: HeaderFault } | undefined;
    };

const isUniform = (bytes: Uint8Array): boolean => {
  const [value] = bytes;
  return bytes.every((byte) => byte === value);
};

/** The first image's offset: from NVIDIA's container header, or else the first bytes with a valid header. */
const findFirstImage = (file: Uint8Array, view: DataView): FirstImage => {
  const announced = readNvidiaContainer(view)?.imageOffset;
  if (
    announced !== undefined &&
    hasRomSignature(file, announced) &&
    headerFault(view, announced) === undefined
  ) {
    return { ok: true, offset: announced };
  }
  let nearest: { readonly offset: number; readonly fault: HeaderFault } | undefined;
  for (let at = 0; at < file.length; at += 1) {
    if (!hasRomSignature(file, at)) continue;
    const fault = headerFault(view, at);
    if (fault === undefined) return { ok: true, offset: at };
    nearest ??= { offset: at, fault };
  }
  return { ok: false, nearest };
};

/**
 * The next image at or after `from`. If there is none, the search goes on in steps of 512 bytes, as in edk2's
 * PciBusDxe.
 */
const findNextImage = (file: Uint8Array, view: DataView, from: number): number | undefined => {
  for (let at = from; at < file.length; at += BLOCK) {
    if (hasRomSignature(file, at) && headerFault(view, at) === undefined) return at;
  }
  return undefined;
};

interface Chain {
  readonly images: readonly [OptionRomImage, ...OptionRomImage[]];
  readonly end: ChainEnd;
  /** End of the last image, in bytes from the file's start. */
  readonly endOffset: number;
}

/** Follows the images by the lengths in their PCI data structures, as Linux, OVMF and SeaBIOS do. */
const readChain = (file: Uint8Array, view: DataView, first: number): Chain => {
  const head = readImage(file, first, file.subarray(first, first));
  const more: OptionRomImage[] = [];
  const finish = (end: ChainEnd, endOffset: number): Chain => ({ images: [head, ...more], end, endOffset });
  let image = head;
  for (;;) {
    const endOffset = image.offset + image.pci.imageLength;
    if (endOffset > file.length)
      return finish({ kind: "truncated", missing: endOffset - file.length }, file.length);
    if (marksLast(image.pci.indicator)) return finish({ kind: "last-image" }, endOffset);
    if (endOffset === file.length) return finish({ kind: "end-of-file" }, endOffset);
    const next = findNextImage(file, view, endOffset);
    if (next === undefined) return finish({ kind: "lost" }, endOffset);
    image = readImage(file, next, file.subarray(endOffset, next));
    more.push(image);
  }
};

const containerOf = (view: DataView, size: number): Container => {
  if (size === 0) return { kind: "none" };
  const nvgi = readNvidiaContainer(view);
  return nvgi ? { kind: "nvgi", version: nvgi.version, size } : { kind: "unknown", size };
};

const privateImages = (view: DataView, chain: Chain): readonly NvidiaImage[] => {
  if (!chain.images.some((image) => image.nvidia !== undefined)) return [];
  const seen = new Set(chain.images.map((image) => image.offset));
  return readNvidiaChain(view, chain.images[0].offset).filter((image) => !seen.has(image.offset));
};

/**
 * Reads a file of PCI option ROM images: the bytes before the first image, every image of the firmware's chain, the
 * bytes after it, and NVIDIA's private images. Takes any bytes and never throws. The time depends only on the file's
 * size. The result's byte ranges are views of `file`.
 */
export const parseOptionRom = (file: Uint8Array): ParsedRom => {
  if (file.length === 0) return { ok: false, fault: { kind: "empty" } };
  if (file.length > MAX_ROM_SIZE) return { ok: false, fault: { kind: "too-large", size: file.length } };
  if (isUniform(file)) {
    return { ok: false, fault: { kind: "uniform", size: file.length, value: file[0] ?? 0 } };
  }
  const view = viewOf(file);
  const first = findFirstImage(file, view);
  if (!first.ok) {
    return { ok: false, fault: { kind: "no-image", size: file.length, nearest: first.nearest } };
  }
  const chain = readChain(file, view, first.offset);
  return {
    ok: true,
    rom: {
      size: file.length,
      leading: file.subarray(0, first.offset),
      container: containerOf(view, first.offset),
      images: chain.images,
      end: chain.end,
      trailing: file.subarray(chain.endOffset),
      nvidiaImages: privateImages(view, chain),
    },
  };
};
