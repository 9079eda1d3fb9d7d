import type { PciId } from "../facts/pci.ts";
import type { RomFinding } from "./judgement.ts";
import type { OptionRom, OptionRomImage } from "./model.ts";
import { formatCodeKind, formatId } from "./names.ts";

/** The ids that an image supports, with those of its device list. */
const idsOf = ({ pci, deviceList }: OptionRomImage): readonly string[] => {
  const listed = deviceList.kind === "listed" ? deviceList.deviceIds : [];
  return [pci.deviceId, ...listed].map((deviceId) => formatId(pci.vendorId, deviceId));
};

const ownId = ({ pci }: OptionRomImage): string => formatId(pci.vendorId, pci.deviceId);

const list = (items: Iterable<string>): string => [...new Set(items)].join(", ");

const kinds = (images: readonly OptionRomImage[]): string =>
  list(images.map(({ code }) => formatCodeKind(code)));

const compare = (images: readonly OptionRomImage[], card: PciId): RomFinding => {
  const strangers = images.filter((image) => !idsOf(image).includes(card));
  if (strangers.length === images.length) {
    return {
      check: "ids",
      severity: "error",
      patchable: false,
      message: `made for ${list(images.map(ownId))}, not for this card (${card}): use this card's own ROM`,
    };
  }
  if (strangers.length > 0) {
    const fitting = images.filter((image) => !strangers.includes(image));
    return {
      check: "ids",
      severity: "warning",
      message: `the ${kinds(fitting)} is for this card (${card}), but the ${kinds(strangers)} is for ${list(strangers.map(ownId))}`,
    };
  }
  const byList = images.some((image) => ownId(image) !== card);
  return {
    check: "ids",
    severity: "ok",
    message: byList ? `its device list names this card (${card})` : `made for this card (${card})`,
  };
};

/**
 * Checks whether the ROM is for this card. Only x86 and EFI images count, because NVIDIA's private images carry other
 * ids. OVMF compares no ids, but the driver inside an EFI image does. SeaBIOS takes only an image with exactly the
 * card's ids.
 */
export const judgeIds = (rom: OptionRom, card: PciId | undefined): readonly RomFinding[] => {
  const images = rom.images.filter(({ code }) => code.kind !== "other");
  if (images.length === 0) return [];
  const findings: RomFinding[] = [];
  if (card === undefined) {
    const ids = list(images.map(ownId));
    const isMixed = new Set(images.map(ownId)).size > 1;
    findings.push(
      isMixed
        ? { check: "ids", severity: "warning", message: `its images are for different devices: ${ids}` }
        : { check: "ids", severity: "note", message: `made for ${ids}; not compared with a card` },
    );
  } else {
    findings.push(compare(images, card));
  }
  if (images.some(({ deviceList }) => deviceList.kind === "broken")) {
    findings.push({
      check: "ids",
      severity: "warning",
      message: "a device list is not used: it leads out of its image or has no end",
    });
  }
  return findings;
};
