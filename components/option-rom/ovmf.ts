import { viewOf } from "./header.ts";
import type { ImageCode, OptionRom, OptionRomImage } from "./model.ts";
import { formatMachine, formatSubsystem } from "./names.ts";

/**
 * OVMF's treatment of an option ROM, after edk2's PciBusDxe (PciOptionRomSupport.c, LoadOpRomImage and
 * LocalLoadFile2). It starts EFI drivers and ignores everything else. It checks neither ids nor checksums.
 */

const EFI_SIGNATURE = 0x0ef1;
const X86_64 = 0x8664;
const BOOT_SERVICE_DRIVER = 0x0b;
const RUNTIME_DRIVER = 0x0c;
const COMPRESSED = 1;

const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === bytes[0]);

const payloadObjection = (
  image: OptionRomImage,
  code: Extract<ImageCode, { kind: "efi" }>,
): string | undefined => {
  const payload = image.bytes.subarray(code.imageOffset, code.initSize);
  if (isBlank(payload)) return "its driver is blank";
  if (code.compression !== COMPRESSED) {
    return payload[0] === 0x4d && payload[1] === 0x5a
      ? undefined
      : "its driver does not start with MZ, as a PE image does";
  }
  // UEFI compression starts with the sizes before and after (UEFI Specification, section 19.2).
  if (payload.length < 8 || viewOf(payload).getUint32(0, true) + 8 > payload.length) {
    return "its compressed driver is longer than the image";
  }
  return undefined;
};

/** Why OVMF (x86-64) does not start the driver of an EFI image, as half a sentence; undefined if it does. */
const driverObjection = (
  image: OptionRomImage,
  code: Extract<ImageCode, { kind: "efi" }>,
): string | undefined => {
  if (code.signature !== EFI_SIGNATURE)
    return `its EFI signature is 0x${code.signature.toString(16)}, not 0xef1`;
  if (image.bytes.length < image.pci.imageLength) return "its end is missing";
  if (code.machine !== X86_64) return `its driver is for ${formatMachine(code.machine)}, not for x86-64`;
  if (code.subsystem !== BOOT_SERVICE_DRIVER && code.subsystem !== RUNTIME_DRIVER) {
    return `it is not a driver but: ${formatSubsystem(code.subsystem)}`;
  }
  if (code.compression > COMPRESSED) return `its compression ${code.compression} is unknown`;
  if (code.initSize > image.pci.imageLength || code.imageOffset >= code.initSize) {
    return "its header places the driver outside the image";
  }
  return payloadObjection(image, code);
};

export interface EfiImage {
  /** Counted from 1, as in the report. */
  readonly number: number;
  readonly code: Extract<ImageCode, { kind: "efi" }>;
  /** Why OVMF does not start it; undefined if it does. */
  readonly objection: string | undefined;
}

/** The EFI images of a ROM, each with the reason why OVMF does not start it. A container header is ignored. */
export const efiImages = (rom: OptionRom): readonly EfiImage[] => {
  // OVMF stops at a PCI data structure that is not aligned to 4 bytes, and does not use that image.
  const misaligned = rom.images.findIndex((image) => image.pci.offset % 4 !== 0);
  return rom.images.flatMap((image, index): readonly EfiImage[] => {
    if (image.code.kind !== "efi") return [];
    const objection =
      misaligned !== -1 && index >= misaligned
        ? `the PCI data structure of image ${misaligned + 1} is not aligned to 4 bytes, and OVMF stops there`
        : driverObjection(image, image.code);
    return [{ number: index + 1, code: image.code, objection }];
  });
};
