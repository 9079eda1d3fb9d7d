import { driveAddress, letterPlace } from "../resolve/disk-places.ts";
import type { GuestPci } from "../resolve/guest-pci.ts";
import type { DiskPlace, ResolvedCdrom, ResolvedDisk, ResolvedDomain } from "../resolve/resolved.ts";
import { pciAddressElement } from "./address.ts";
import { element, elementsOf, type XmlElement } from "../document/xml-tree.ts";

const addressOf = ({ bus, target }: DiskPlace, guestPci: GuestPci): XmlElement =>
  bus === "virtio"
    ? pciAddressElement(guestPci.addressOf({ kind: "virtio-disk", place: letterPlace(target) }))
    : element("address", { type: "drive", ...driveAddress(bus, target) });

const placeElements = (place: DiskPlace, guestPci: GuestPci): XmlElement[] => [
  ...(place.bootOrder === undefined ? [] : [element("boot", { order: place.bootOrder })]),
  addressOf(place, guestPci),
];

const diskElement = (disk: ResolvedDisk, guestPci: GuestPci): XmlElement => {
  if (disk.kind === "adopted")
    return {
      ...disk.element,
      children: [
        ...elementsOf(disk.element).filter(({ name }) => !["address", "alias", "boot"].includes(name)),
        ...placeElements(disk, guestPci),
      ],
    };
  const { source, format, cache, io, discard, serial, iothread } = disk;
  return element("disk", { type: source.kind, device: "disk" }, [
    element("driver", {
      name: "qemu",
      type: format,
      cache,
      io,
      discard: discard ? "unmap" : "ignore",
      iothread,
    }),
    element("source", { [source.kind === "file" ? "file" : "dev"]: source.path }),
    element("target", { dev: disk.target, bus: disk.bus }),
    serial !== undefined && element("serial", {}, [serial]),
    ...placeElements(disk, guestPci),
  ]);
};

const cdromElement = (drive: ResolvedCdrom, guestPci: GuestPci): XmlElement =>
  element("disk", { type: "file", device: "cdrom" }, [
    element("driver", { name: "qemu", type: "raw" }),
    drive.path !== undefined && element("source", { file: drive.path }),
    element("target", { dev: drive.target, bus: drive.bus }),
    element("readonly"),
    ...placeElements(drive, guestPci),
  ]);

/** The controllers that the disks' buses need beyond those of the board. */
const controllers = ({ disks, machine, iothreads, guestPci }: ResolvedDomain): XmlElement[] => [
  ...(disks.some(({ bus }) => bus === "scsi")
    ? [
        element("controller", { type: "scsi", index: 0, model: "virtio-scsi" }, [
          iothreads > 0 && element("driver", { iothread: 1 }),
          pciAddressElement(guestPci.addressOf({ kind: "scsi" })),
        ]),
      ]
    : []),
  ...(machine.family === "i440fx" && disks.some(({ bus }) => bus === "sata")
    ? [
        element("controller", { type: "sata", index: 0 }, [
          pciAddressElement(guestPci.addressOf({ kind: "sata" })),
        ]),
      ]
    : []),
];

export const storageElements = (domain: ResolvedDomain): XmlElement[] => [
  ...domain.disks.map((disk) => diskElement(disk, domain.guestPci)),
  ...domain.cdroms.map((drive) => cdromElement(drive, domain.guestPci)),
  ...controllers(domain),
];
