import type { GuestFirmware, RomFinding } from "./judgement.ts";
import type { OptionRom } from "./model.ts";
import { formatCompression, formatMachine, formatSubsystem } from "./names.ts";
import { efiImages } from "./ovmf.ts";

/** Checks for an EFI driver that OVMF can start. */
export const judgeEfi = (rom: OptionRom, firmware: GuestFirmware): RomFinding => {
  const images = efiImages(rom);
  const good = images.find((image) => image.objection === undefined);
  if (good) {
    const { machine, subsystem, compression } = good.code;
    const details = [formatMachine(machine), formatSubsystem(subsystem), formatCompression(compression)];
    return {
      check: "efi",
      severity: "ok",
      message: `image ${good.number} is an EFI driver that OVMF starts (${details.join(", ")})`,
    };
  }
  const message =
    images.length === 0
      ? "no EFI image: OVMF cannot use this ROM; use a newer ROM of this card, or SeaBIOS"
      : images
          .map(({ number, objection }) => `OVMF does not start EFI image ${number}: ${objection}`)
          .join("; ");
  return firmware === "ovmf"
    ? { check: "efi", severity: "error", patchable: false, message }
    : { check: "efi", severity: "note", message };
};

/** Checks for an x86 image for SeaBIOS. */
export const judgeX86 = (rom: OptionRom, firmware: GuestFirmware): RomFinding => {
  if (rom.images.some(({ code }) => code.kind === "x86")) {
    const message = rom.images.some(({ code }) => code.kind === "efi")
      ? "there is an x86 image for SeaBIOS too"
      : "there is an x86 image, but no EFI image: the ROM is for SeaBIOS, not for OVMF";
    return { check: "x86", severity: "ok", message };
  }
  const message = "no x86 image: SeaBIOS cannot use this ROM";
  return firmware === "seabios"
    ? { check: "x86", severity: "error", patchable: false, message }
    : { check: "x86", severity: "note", message };
};
