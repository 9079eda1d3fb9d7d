import type { MachineFamily } from "../spec/settings.ts";

/** Something that has a place on the guest's PCI bus. */
export type GuestRole =
  | { readonly kind: "video" | "scsi" | "sata" | "usb" | "balloon" | "shmem" }
  | { readonly kind: "card" | "interface" | "virtio-disk" | "filesystem"; readonly place: number };

/** A place in the guest, as libvirt writes it. */
export interface GuestAddress {
  readonly bus: number;
  readonly slot: number;
  readonly function: number;
}

/** A PCI Express root port on the guest's bus 0. `index` is the bus behind it. */
interface RootPort {
  readonly index: number;
  readonly slot: number;
  readonly function: number;
  readonly multifunction: boolean;
}

type ManyKind = "card" | "interface" | "virtio-disk" | "filesystem";
type OneKind = "video" | "scsi" | "sata" | "usb" | "balloon" | "shmem";

/** How many of a kind have a place. */
export const guestRoom: Readonly<Record<MachineFamily, Readonly<Record<ManyKind, number>>>> = {
  i440fx: { card: 8, interface: 4, "virtio-disk": 8, filesystem: 4 },
  q35: { card: 8, interface: 8, "virtio-disk": 16, filesystem: 8 },
};

/**
 * First slot of each kind on bus 0. Fixed for good: Windows knows a device by its way from the root, and takes one
 * that moved for a new one. Slot 0 is the host bridge, 1 on i440fx and 31 on q35 the board's own devices.
 */
const firstSlot: Readonly<Record<MachineFamily, Readonly<Record<ManyKind | OneKind, number>>>> = {
  i440fx: {
    video: 0x02,
    interface: 0x03,
    usb: 0x07,
    "virtio-disk": 0x08,
    card: 0x10,
    scsi: 0x18,
    sata: 0x19,
    balloon: 0x1a,
    shmem: 0x1b,
    filesystem: 0x1c,
  },
  q35: {
    video: 0x01,
    card: 0x02,
    interface: 0x0a,
    "virtio-disk": 0x0b,
    scsi: 0x0d,
    usb: 0x0e,
    balloon: 0x0f,
    filesystem: 0x10,
    shmem: 0x11,
    sata: 0x1f,
  },
};

/** Root ports of these kinds share a slot, eight functions each; a card's port has a slot of its own. */
const sharing: readonly string[] = ["interface", "virtio-disk", "filesystem"];
/** Devices on bus 0 itself: the board's, the primary display, and ivshmem, which is no PCI Express device. */
const onBusZero: readonly string[] = ["video", "sata", "shmem"];
/** The SATA controller of the ICH9 is function 2 of its slot (QEMU: docs/q35-chipset.cfg). */
const ICH9_SATA_FUNCTION = 2;

interface Place {
  readonly slot: number;
  readonly function: number;
}

const portOf = (role: GuestRole): Place => {
  const first = firstSlot.q35[role.kind];
  const place = "place" in role ? role.place : 0;
  return sharing.includes(role.kind)
    ? { slot: first + Math.floor(place / 8), function: place % 8 }
    : { slot: first + place, function: 0 };
};

const keyOf = ({ slot, function: fn }: Place): string => `${slot}.${fn}`;
const byPlace = (a: Place, b: Place): number => a.slot - b.slot || a.function - b.function;

export interface GuestPci {
  readonly ports: readonly RootPort[];
  readonly addressOf: (role: GuestRole) => GuestAddress;
}

const q35 = (roles: readonly GuestRole[]): GuestPci => {
  const wanted = roles.filter(({ kind }) => !onBusZero.includes(kind));
  const places = new Map<string, Place>();
  const add = (place: Place): void => void places.set(keyOf(place), place);
  for (const role of wanted) {
    const port = portOf(role);
    add(port);
    // the guest looks at function 0 of a slot first, and finds none of the others without it
    add({ slot: port.slot, function: 0 });
    // cards stand behind the ports with the lowest indexes, place 0 behind index 1, also when one before is gone
    if (role.kind === "card")
      for (let before = 0; before < role.place; before += 1) add(portOf({ ...role, place: before }));
  }
  const isCards = ({ slot }: Place): boolean =>
    slot >= firstSlot.q35.card && slot < firstSlot.q35.card + guestRoom.q35.card;
  const shared = new Set(
    (["interface", "virtio-disk", "filesystem"] as const).flatMap((kind) => {
      const last = Math.floor((guestRoom.q35[kind] - 1) / 8);
      return Array.from({ length: last + 1 }, (_, step) => firstSlot.q35[kind] + step);
    }),
  );
  const sorted = [...places.values()].sort(byPlace);
  const ports = [...sorted.filter(isCards), ...sorted.filter((place) => !isCards(place))].map(
    (place, position): RootPort => ({
      index: position + 1,
      slot: place.slot,
      function: place.function,
      multifunction: place.function === 0 && shared.has(place.slot),
    }),
  );
  return {
    ports,
    addressOf: (role) => {
      if (onBusZero.includes(role.kind))
        return {
          bus: 0,
          slot: firstSlot.q35[role.kind],
          function: role.kind === "sata" ? ICH9_SATA_FUNCTION : 0,
        };
      const key = keyOf(portOf(role));
      const port = ports.find((candidate) => keyOf(candidate) === key);
      if (!port) throw new Error(`no root port was planned for ${role.kind}: it is missing among the roles`);
      return { bus: port.index, slot: 0, function: 0 };
    },
  };
};

/** Places for everything a domain has on its PCI bus; the same role has the same place in every definition. */
export const guestPci = (family: MachineFamily, roles: readonly GuestRole[]): GuestPci =>
  family === "q35"
    ? q35(roles)
    : {
        ports: [],
        addressOf: (role) => ({
          bus: 0,
          slot: firstSlot.i440fx[role.kind] + ("place" in role ? role.place : 0),
          function: 0,
        }),
      };
