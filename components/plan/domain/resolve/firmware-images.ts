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

const plain = (code: string, vars: string): FirmwareImage => ({ code, vars, secureBoot: false, smm: false });
const secure = (code: string, vars: string): FirmwareImage => ({ code, vars, secureBoot: true, smm: true });

/** Where distributions put raw OVMF images, the ones to be preferred first. */
const known: readonly FirmwareImage[] = [
  // Debian and Ubuntu, package ovmf; the 2 MiB images are gone from newer releases
  plain("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
  secure("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"),
  plain("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
  secure("/usr/share/OVMF/OVMF_CODE.ms.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"),
  // Proxmox VE, package pve-edk2-firmware-ovmf
  plain("/usr/share/pve-edk2-firmware/OVMF_CODE_4M.fd", "/usr/share/pve-edk2-firmware/OVMF_VARS_4M.fd"),
  secure(
    "/usr/share/pve-edk2-firmware/OVMF_CODE_4M.secboot.fd",
    "/usr/share/pve-edk2-firmware/OVMF_VARS_4M.ms.fd",
  ),
  // Fedora, package edk2-ovmf
  plain("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
  secure("/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"),
  // Arch Linux, package edk2-ovmf; it ships no variable store with enrolled keys
  plain("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
];

/** The paths to ask a host about, so that `firmwareOf` can tell which images it has. */
export const firmwarePaths: readonly string[] = known.flatMap(({ code, vars }) => [code, vars]);

/** The images a host has, from the paths that are there. */
export const firmwareOf = (exists: readonly string[]): FirmwareImage[] => {
  const there = new Set(exists);
  return known.filter(({ code, vars }) => there.has(code) && there.has(vars));
};

const FOLDERS = {
  ovmf: "/usr/share/OVMF/OVMF_CODE_4M",
  "edk2-ovmf": "/usr/share/edk2/x64/",
  "pve-edk2-firmware-ovmf": "/usr/share/pve-edk2-firmware/",
} as const;

/** The package that brings OVMF, as each distribution calls it. */
export type FirmwarePackage = keyof typeof FOLDERS;

/** The images that the package brings: for a preview of a host on which it is still to be installed. */
export const firmwareOfPackage = (name: FirmwarePackage): FirmwareImage[] =>
  known.filter(({ code }) => code.startsWith(FOLDERS[name]));

/** The first image with the features wanted; plain domains get plain firmware. */
export const chooseFirmware = (
  images: readonly FirmwareImage[],
  wanted: { readonly secureBoot: boolean; readonly family: MachineFamily },
): FirmwareImage | undefined =>
  images.find((image) => image.secureBoot === wanted.secureBoot && (wanted.family === "q35" || !image.smm));
