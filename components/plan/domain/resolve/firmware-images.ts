import type { MachineFamily } from "../spec/settings.ts";

/** An OVMF code image with the variable store that a new NVRAM starts from. */
export interface FirmwareImage {
  readonly code: string;
  readonly vars: string;
  /** Microsoft's keys are enrolled, so Secure Boot is on from the first boot */
  readonly secureBoot: boolean;
  /** needs system management mode, so q35 */
  readonly smm: boolean;
}

/** An image for plain UEFI. */
export const plainFirmware = (code: string, vars: string): FirmwareImage => ({
  code,
  vars,
  secureBoot: false,
  smm: false,
});

/** An image for Secure Boot. */
export const secureFirmware = (code: string, vars: string): FirmwareImage => ({
  code,
  vars,
  secureBoot: true,
  smm: true,
});

/** The paths of images, which tell whether a host has them. */
export const firmwarePaths = (images: readonly FirmwareImage[]): string[] =>
  images.flatMap(({ code, vars }) => [code, vars]);

/** Those of the images that a host has, from the paths that are there. */
export const firmwareOf = (
  images: readonly FirmwareImage[],
  exists: readonly string[],
): readonly FirmwareImage[] => {
  const there = new Set(exists);
  return images.filter((image) => firmwarePaths([image]).every((path) => there.has(path)));
};

/** The first image with the features wanted; plain domains get plain firmware. */
export const chooseFirmware = (
  images: readonly FirmwareImage[],
  wanted: { readonly secureBoot: boolean; readonly family: MachineFamily },
): FirmwareImage | undefined =>
  images.find((image) => image.secureBoot === wanted.secureBoot && (wanted.family === "q35" || !image.smm));
