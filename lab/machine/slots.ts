/** The places of all devices on a lab host's PCI bus. */
import type { Card, HostDescription } from "../description.ts";

/** Slots on the root bus. QEMU puts its AMD IOMMU into the first free slot, so slot 1 stays free on all hosts. */
export const BOARD_SLOTS = { amdIommu: 0x01, rootDisk: 0x02, network: 0x03, display: 0x04 } as const;
const FIRST_PORT_SLOT = 0x10;
const LAST_PORT_SLOT = 0x1e;

export interface PlacedCard {
  readonly card: Card;
  /** QEMU's id of the bus that the device is plugged into. */
  readonly bus: string;
  /** Number of that bus, as the firmware assigns it: root ports in the order of their slots. */
  readonly busNumber: number;
  readonly slot: number;
}

export interface PlacedPort {
  /** QEMU's id. */
  readonly id: string;
  readonly slot: number;
  /** QEMU's id of the bridge behind the port, if there is one. */
  readonly bridge: string | undefined;
  readonly cards: readonly PlacedCard[];
}

/** Assigns a slot to every root port and a bus to every card. Throws if there are more ports than slots. */
export const placePorts = (host: HostDescription): PlacedPort[] => {
  const free = LAST_PORT_SLOT - FIRST_PORT_SLOT + 1;
  if (host.rootPorts.length > free) {
    throw new Error(`a lab host has ${host.rootPorts.length} root ports, but there are slots for ${free}`);
  }
  let nextBus = 1;
  return host.rootPorts.map((port, index) => {
    const id = `port${index + 1}`;
    const slot = FIRST_PORT_SLOT + index;
    const portBus = nextBus++;
    if (port.kind === "card") {
      return {
        id,
        slot,
        bridge: undefined,
        cards: [{ card: port.card, bus: id, busNumber: portBus, slot: 0 }],
      };
    }
    const bridge = `bridge${index + 1}`;
    const bridgeBus = nextBus++;
    const cards = port.cards.map((card, position) => ({
      card,
      bus: bridge,
      busNumber: bridgeBus,
      // Slot 0 of a bridge belongs to its hot-plug controller.
      slot: position + 1,
    }));
    return { id, slot, bridge, cards };
  });
};
