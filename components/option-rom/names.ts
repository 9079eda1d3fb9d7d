import type { Container, ImageCode } from "./model.ts";

/** Numbers of option ROM headers as their usual names. */

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** Vendor and device as `lspci -n` prints them: `10de:1c81`. */
export const formatId = (vendorId: number, deviceId: number): string =>
  `${hex(vendorId, 4)}:${hex(deviceId, 4)}`;

/** An offset in a file: `0x12600`. */
export const formatOffset = (offset: number): string => `0x${offset.toString(16)}`;

/** A length: `244 KiB` for whole KiB, else `1,112 bytes`. */
export const formatSize = (size: number): string =>
  size >= 1024 && size % 1024 === 0
    ? `${(size / 1024).toLocaleString("en-US")} KiB`
    : size >= 1024 && size % 512 === 0
      ? `${(size / 1024).toLocaleString("en-US", { minimumFractionDigits: 1 })} KiB`
      : `${size.toLocaleString("en-US")} bytes`;

/** Code types of the PCI Firmware Specification, and two of NVIDIA's own. */
const CODE_TYPES: Readonly<Record<number, string>> = {
  0x00: "x86",
  0x01: "Open Firmware",
  0x02: "PA-RISC",
  0x03: "EFI",
  0x70: "NVIDIA NBSI",
  0xe0: "NVIDIA FwSec",
};

/** `3 EFI`, `e0 NVIDIA FwSec`, `55 unknown`. */
export const formatCodeType = (codeType: number): string =>
  `${codeType.toString(16)} ${CODE_TYPES[codeType] ?? "unknown"}`;

/** PE machine types (UEFI Specification, section 2.1.1). */
const MACHINES: Readonly<Record<number, string>> = {
  0x014c: "IA-32",
  0x0200: "Itanium",
  0x0ebc: "EFI byte code",
  0x01c2: "ARM",
  0x5032: "RISC-V 32",
  0x5064: "RISC-V 64",
  0x6264: "LoongArch 64",
  0x8664: "x86-64",
  0xaa64: "ARM64",
};

export const formatMachine = (machine: number): string => MACHINES[machine] ?? `machine 0x${hex(machine, 4)}`;

const SUBSYSTEMS: Readonly<Record<number, string>> = {
  0x0a: "application",
  0x0b: "boot driver",
  0x0c: "runtime driver",
};

export const formatSubsystem = (subsystem: number): string =>
  SUBSYSTEMS[subsystem] ?? `subsystem 0x${hex(subsystem, 4)}`;

export const formatCompression = (compression: number): string =>
  compression === 0 ? "uncompressed" : compression === 1 ? "compressed" : `compression ${compression}`;

/** Base classes and subclasses (PCI Code and ID Assignment Specification) of devices with option ROMs. */
const CLASSES: Readonly<Record<number, string>> = {
  0x0100: "SCSI",
  0x0104: "RAID",
  0x0106: "SATA",
  0x0107: "SAS",
  0x0108: "NVMe",
  0x0200: "Ethernet",
  0x0300: "VGA",
  0x0302: "3D controller",
  0x0380: "display",
  0x0403: "audio",
};

/** `030000 VGA`. */
export const formatClass = (classCode: number): string => {
  const name = CLASSES[classCode >> 8];
  return name === undefined ? hex(classCode, 6) : `${hex(classCode, 6)} ${name}`;
};

/** The bytes before the first image, as a noun. */
export const formatContainer = (container: Exclude<Container, { kind: "none" }>): string =>
  container.kind === "nvgi"
    ? `NVIDIA's container header (NVGI version ${container.version}, ${formatSize(container.size)})`
    : `${formatSize(container.size)} that are no option ROM`;

/** The kind of an image's code, as a noun. */
export const formatCodeKind = (code: ImageCode): string =>
  code.kind === "x86" ? "x86 image" : code.kind === "efi" ? "EFI image" : "other image";
