/**
 * A file of PCI option ROM images as types. Sources: PCI Firmware Specification 3.3 section 5 (header, PCI data
 * structure), UEFI Specification 2.10 section 14.4.2 (EFI header), NVIDIA's open kernel module (NPDE, NVGI).
 *
 * Byte ranges are views of the parsed file, not copies, so a change to the file's bytes changes the model.
 */

/** The largest file that is read. A PCI function can decode an expansion ROM of at most 16 MiB. */
export const MAX_ROM_SIZE = 16 * 1024 * 1024;

/** The unit of every length in a ROM's headers, and the step in which firmware looks for the next image. */
export const BLOCK = 512;

/** The PCI data structure ("PCIR"); the code type is in `ImageCode`, which depends on it. */
export interface PciDataStructure {
  /** Where the structure is, in bytes from the image's start (header field 18h). */
  readonly offset: number;
  readonly vendorId: number;
  readonly deviceId: number;
  /** Bytes from the structure's start to the device list; reserved or used otherwise before revision 3. */
  readonly deviceListPointer: number;
  /** Bytes; 18h before revision 3, 1Ch from then on. */
  readonly structureLength: number;
  readonly revision: number;
  /** Base class, subclass and interface as one number: 030000h is a VGA controller. */
  readonly classCode: number;
  /** Bytes, a multiple of 512: where the next image starts. */
  readonly imageLength: number;
  readonly codeRevision: number;
  /** Bit 7: this is the last image; bits 0 to 6 are reserved and kept. */
  readonly indicator: number;
  /** Bytes that stay in memory after initialization; reserved before revision 3. */
  readonly maxRuntimeLength: number;
  /** Pointers to the code of the configuration utility and of the DMTF CLP entry point, from revision 3 on. */
  readonly revision3: { readonly configUtilityPointer: number; readonly clpEntryPointer: number } | undefined;
}

/** Further device ids that the image supports, from revision 3 on. */
export type DeviceList =
  | { readonly kind: "none" }
  | { readonly kind: "listed"; readonly deviceIds: readonly number[] }
  /** The pointer leads out of the image, or no zero entry ends the list. */
  | { readonly kind: "broken" };

/** An image's content by its code type, with the header fields of that type. */
export type ImageCode =
  /** Code type 0: x86 code for a PC BIOS (SeaBIOS). */
  | {
      readonly kind: "x86";
      /** Bytes that the BIOS copies and sums up; 0 when the image does not say. */
      readonly initSize: number;
      /** Offset of the plug and play header; 0 when there is none. */
      readonly pnpPointer: number;
    }
  /** Code type 3: an EFI driver (OVMF). */
  | {
      readonly kind: "efi";
      /** 0EF1h for an EFI image; with any other value it is none, whatever its code type says. */
      readonly signature: number;
      /** Bytes, header included. */
      readonly initSize: number;
      /** 0Bh boot service driver, 0Ch runtime driver. */
      readonly subsystem: number;
      /** PE machine type: 8664h is x86-64. */
      readonly machine: number;
      /** 0 none, 1 UEFI compression. */
      readonly compression: number;
      /** Bytes from the image's start to the PE image. */
      readonly imageOffset: number;
    }
  /** Any other code type: 1 Open Firmware, 2 PA-RISC, and vendors' own types, such as NVIDIA's 70h and E0h. */
  | { readonly kind: "other"; readonly codeType: number };

/**
 * NVIDIA's PCI data extension ("NPDE"), which follows the PCI data structure at the next multiple of 16. NVIDIA's
 * driver and nouveau take length and last-image bit from here. A machine's firmware, Linux's drivers/pci/rom.c, OVMF
 * and SeaBIOS do not know it and use the PCI data structure.
 */
export interface NvidiaDataExtension {
  /** Offset of the structure, in bytes from the image's start. */
  readonly offset: number;
  /** 0100h or 0101h. */
  readonly revision: number;
  readonly structureLength: number;
  /** Bytes; smaller than the image's length if private images follow inside the image. */
  readonly subimageLength: number;
  /** Bit 7: last image of NVIDIA's own chain; undefined if the structure is too short to hold it. */
  readonly indicator: number | undefined;
}

/** One image, with the fields that the writer needs. */
export interface ImageContent {
  /** Bytes between the end of the last image and this one; empty in a well-made file. */
  readonly gap: Uint8Array;
  /** The whole image; shorter than `pci.imageLength` only where the file ends inside it. */
  readonly bytes: Uint8Array;
  readonly pci: PciDataStructure;
  readonly code: ImageCode;
  readonly deviceList: DeviceList;
  readonly nvidia: NvidiaDataExtension | undefined;
}

/** A file of images, with the fields that the writer needs. */
export interface RomContent {
  /** Bytes before the first image; empty in a file that firmware can use. */
  readonly leading: Uint8Array;
  readonly images: readonly ImageContent[];
  /** Bytes after the last image of the firmware's chain. */
  readonly trailing: Uint8Array;
}

/** The x86 checksum: all bytes of the initialization size add up to 0 modulo 256. */
export type Checksum =
  | { readonly kind: "good" }
  | { readonly kind: "bad"; readonly sum: number }
  /** The image gives no initialization size. */
  | { readonly kind: "no-size" }
  /** The initialization size reaches beyond the image's own length, or beyond the file's end. */
  | { readonly kind: "beyond-image" };

/** Texts of an x86 image's plug and play header. They come from the file, so clean them before printing. */
export interface PnpTexts {
  readonly manufacturer: string | undefined;
  readonly product: string | undefined;
}

/** One image as the parser returns it. */
export interface OptionRomImage extends ImageContent {
  /** Bytes from the file's start. */
  readonly offset: number;
  /** x86 images only. */
  readonly checksum: Checksum | undefined;
  /** Only for x86 images with such a header. */
  readonly pnp: PnpTexts | undefined;
}

/** The bytes before the first image. */
export type Container =
  | { readonly kind: "none" }
  /** NVIDIA's init-from-ROM header ("NVGI"), which programming tools and Windows dumps keep. */
  | { readonly kind: "nvgi"; readonly version: number; readonly size: number }
  | { readonly kind: "unknown"; readonly size: number };

/** The end of the firmware's chain of images. */
export type ChainEnd =
  /** After an image that is marked as the last one. */
  | { readonly kind: "last-image" }
  /** At the end of the file, although no image is marked as the last one. */
  | { readonly kind: "end-of-file" }
  /** Inside an image: this many of its bytes are not in the file. */
  | { readonly kind: "truncated"; readonly missing: number }
  /** At bytes that are no image, although the image before is not marked as the last one. */
  | { readonly kind: "lost" };

/** A private image in NVIDIA's own chain, which firmware never sees; offsets are from the file's start. */
export interface NvidiaImage {
  readonly offset: number;
  /** Length in bytes that the image claims; it may reach beyond the file's end. */
  readonly length: number;
  readonly codeType: number;
  readonly vendorId: number;
  readonly deviceId: number;
}

/** A parsed file: at least one image. */
export interface OptionRom extends RomContent {
  readonly size: number;
  readonly container: Container;
  readonly images: readonly [OptionRomImage, ...OptionRomImage[]];
  readonly end: ChainEnd;
  /** NVIDIA's private images, inside an image's length or after the last one. */
  readonly nvidiaImages: readonly NvidiaImage[];
}

/** Why bytes that start with 55h AAh are not a PCI option ROM image. */
export type HeaderFault =
  /** The file ends inside the header. */
  | "cut-off"
  /** The pointer to the PCI data structure leads out of the file or of the image. */
  | "pointer-outside"
  /** There is no "PCIR" at the pointer's target: an ISA option ROM, or no ROM at all. */
  | "no-pcir"
  /** The PCI data structure gives the image no length. */
  | "no-length";

/** Why a file holds no option ROM. */
export type RomFault =
  | { readonly kind: "empty" }
  | { readonly kind: "too-large"; readonly size: number }
  /** Every byte is the same: a card that did not answer (FFh), or no ROM (00h). */
  | { readonly kind: "uniform"; readonly size: number; readonly value: number }
  /** No image; `nearest` is the first 55h AAh that looked like a header, and its fault. */
  | {
      readonly kind: "no-image";
      readonly size: number;
      readonly nearest: { readonly offset: number; readonly fault: HeaderFault } | undefined;
    };

export type ParsedRom =
  | { readonly ok: true; readonly rom: OptionRom }
  | { readonly ok: false; readonly fault: RomFault };

/** Bit 7 of an indicator byte, of the PCI data structure or of NVIDIA's extension. */
export const marksLast = (indicator: number): boolean => (indicator & 0x80) !== 0;

/** The code type byte for an image's code. */
export const codeTypeOf = (code: ImageCode): number =>
  code.kind === "other" ? code.codeType : { x86: 0, efi: 3 }[code.kind];
