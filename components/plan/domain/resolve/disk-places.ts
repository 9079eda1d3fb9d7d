import type { DiskBus } from "../spec/schema-disks.ts";
import { guestRoom } from "./guest-pci.ts";
import type { MachineFamily } from "../spec/settings.ts";

/** The bus that CD drives sit on: the one each board has by itself, so that no driver is needed to boot from them. */
export const cdromBus = (family: MachineFamily): DiskBus => (family === "q35" ? "sata" : "ide");

const letters = Array.from({ length: 26 }, (_, place) => String.fromCodePoint(0x61 + place));
export const letterPlace = (target: string): number => letters.indexOf(target.charAt(2));

/** SATA takes sda to sdf, its controller's six ports, so SCSI disks begin behind them. */
const SATA_PORTS = 6;
const IDE_PLACES = 4;

/** Targets of a bus in their order. */
export const targetsOf = (bus: DiskBus, family: MachineFamily): string[] => {
  const names = (prefix: string, from: number, to: number): string[] =>
    letters.slice(from, to).map((letter) => prefix + letter);
  switch (bus) {
    case "virtio":
      return names("vd", 0, guestRoom[family]["virtio-disk"]);
    case "sata":
      return names("sd", 0, SATA_PORTS);
    case "scsi":
      return names("sd", SATA_PORTS, letters.length);
    case "ide":
      // the board of q35 has no IDE controller
      return family === "q35" ? [] : names("hd", 0, IDE_PLACES);
  }
};

/** The media of an installation, from the end of the bus, so that disks keep their places when it is done. */
export const installTargets = (family: MachineFamily): readonly string[] =>
  targetsOf(cdromBus(family), family).slice(-3).reverse();

/** libvirt's <address type='drive'>: controller, bus, target, unit. */
export const driveAddress = (
  bus: Exclude<DiskBus, "virtio">,
  target: string,
): { readonly controller: number; readonly bus: number; readonly target: number; readonly unit: number } => {
  const place = letterPlace(target);
  return bus === "ide"
    ? { controller: 0, bus: Math.floor(place / 2), target: 0, unit: place % 2 }
    : { controller: 0, bus: 0, target: 0, unit: bus === "scsi" ? place - SATA_PORTS : place };
};
