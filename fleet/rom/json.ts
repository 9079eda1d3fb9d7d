import {
  codeTypeOf,
  marksLast,
  type OptionRom,
  type OptionRomImage,
} from "../../components/option-rom/model.ts";
import { formatId } from "../../components/option-rom/names.ts";
import type { ShownRom } from "./shown-rom.ts";

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

const imageToJson = (image: OptionRomImage) => {
  const { pci, code, deviceList, nvidia } = image;
  return {
    offset: image.offset,
    size: image.bytes.length,
    codeType: codeTypeOf(code),
    id: formatId(pci.vendorId, pci.deviceId),
    vendorId: hex(pci.vendorId, 4),
    deviceId: hex(pci.deviceId, 4),
    deviceList:
      deviceList.kind === "listed" ? deviceList.deviceIds.map((deviceId) => hex(deviceId, 4)) : null,
    classCode: hex(pci.classCode, 6),
    last: marksLast(pci.indicator),
    gapBefore: image.gap.length,
    pci: {
      offset: pci.offset,
      structureLength: pci.structureLength,
      revision: pci.revision,
      imageLength: pci.imageLength,
      codeRevision: pci.codeRevision,
      deviceListPointer: pci.deviceListPointer,
      maxRuntimeLength: pci.maxRuntimeLength,
      configUtilityPointer: pci.revision3?.configUtilityPointer ?? null,
      clpEntryPointer: pci.revision3?.clpEntryPointer ?? null,
    },
    x86:
      code.kind === "x86"
        ? {
            initSize: code.initSize,
            checksum: image.checksum?.kind ?? null,
            manufacturer: image.pnp?.manufacturer ?? null,
            product: image.pnp?.product ?? null,
          }
        : null,
    efi:
      code.kind === "efi"
        ? {
            signature: hex(code.signature, 4),
            initSize: code.initSize,
            subsystem: code.subsystem,
            machine: hex(code.machine, 4),
            compression: code.compression,
            imageOffset: code.imageOffset,
          }
        : null,
    nvidia: nvidia
      ? {
          revision: hex(nvidia.revision, 4),
          subimageLength: nvidia.subimageLength,
          last: nvidia.indicator === undefined ? null : marksLast(nvidia.indicator),
        }
      : null,
  };
};

const romToJson = (rom: OptionRom) => ({
  container: rom.container,
  images: rom.images.map(imageToJson),
  end: rom.end,
  trailingSize: rom.trailing.length,
  nvidiaImages: rom.nvidiaImages.map(({ offset, length, codeType, vendorId, deviceId }) => ({
    offset,
    length,
    codeType,
    id: formatId(vendorId, deviceId),
  })),
});

/**
 * The report as data. Sizes and offsets are in bytes, ids and classes are hexadecimal text, missing values are null.
 */
export const toJson = ({ file, size, sha256, firmware, card, parsed, judgement }: ShownRom) => ({
  file,
  size,
  sha256: sha256 ?? null,
  firmware,
  card: card ?? null,
  verdict: judgement.verdict,
  findings: judgement.findings,
  rom: parsed.ok ? romToJson(parsed.rom) : null,
  fault: parsed.ok ? null : parsed.fault,
});
