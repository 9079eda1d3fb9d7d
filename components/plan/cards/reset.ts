import type { Facts, PciDevice } from "../../facts/facts.ts";
import { slotOf } from "../../facts/pci.ts";

/** Device ids, in hex, of AMD GPUs whose reset does not bring them back; from and to of each range. */
interface Family {
  readonly name: string;
  /** the module vendor-reset resets it */
  readonly healed: boolean;
  readonly ranges: readonly (readonly [number, number])[];
}

/**
 * Families that the out-of-tree module vendor-reset was written for: neither a bus reset nor what Linux knows of them
 * leaves them in a state that a second guest can start (gnif/vendor-reset, its list of supported devices). Of RDNA 4
 * some boards are the same, and that module does not know them (ids: Linux, drivers/gpu/drm/amd; pci.ids).
 */
const AMD_FAMILIES: readonly Family[] = [
  {
    name: "Polaris",
    healed: true,
    ranges: [
      [0x67c0, 0x67ff],
      [0x6980, 0x699f],
      [0x6fdf, 0x6fdf],
    ],
  },
  {
    name: "Vega",
    healed: true,
    ranges: [
      [0x6860, 0x687f],
      [0x66a0, 0x66af],
    ],
  },
  {
    name: "Navi 1x",
    healed: true,
    ranges: [
      [0x7310, 0x731f],
      [0x7340, 0x734f],
      [0x7360, 0x7362],
    ],
  },
  {
    name: "RDNA 4",
    healed: false,
    ranges: [
      [0x7550, 0x7551],
      [0x7590, 0x7590],
    ],
  },
];

/** The family of an AMD GPU that is known to stay dead after a guest's stop; undefined for all others. */
const resetFamily = (device: PciDevice): Family | undefined => {
  const [vendor, product] = device.id.split(":");
  if (vendor !== "1002" || !device.class.startsWith("03")) return undefined;
  const id = Number.parseInt(product ?? "", 16);
  return AMD_FAMILIES.find(({ ranges }) => ranges.some(([from, to]) => from <= id && id <= to));
};

export interface ResetFinding {
  readonly kind: "no-reset" | "known-bad";
  readonly problem: string;
  readonly remedy: string;
}

/** What is known against the functions' resets: a guest that stops may leave the card unusable until the next boot. */
export const resetFindings = (
  facts: Pick<Facts, "modules">,
  functions: readonly PciDevice[],
): ResetFinding[] => {
  const slots = Map.groupBy(functions, (device) => slotOf(device.address));
  return [
    // one function's reset is enough: VFIO resets the slot, and further functions often list none of their own
    ...[...slots.values()].flatMap((card) => {
      const [first] = card;
      if (!first || !card.every((device) => device.resetMethods?.length === 0)) return [];
      return [
        {
          kind: "no-reset" as const,
          problem: `${first.address} has no reset method: after the guest stops it may not start again until the host reboots`,
          remedy: "start the guest once per boot, or reboot the host between guests",
        },
      ];
    }),
    ...functions.flatMap((device) => {
      const family = resetFamily(device);
      if (family === undefined || (family.healed && facts.modules.includes("vendor_reset"))) return [];
      return [
        {
          kind: "known-bad" as const,
          problem: `${device.address} is an AMD ${family.name} card, a family ${family.healed ? "known not to come back" : "of which some do not come back"} from a reset: the second start of a guest may fail or hang the host`,
          remedy: `${family.healed ? "install the module vendor-reset (gnif/vendor-reset)" : "update the card's video BIOS"}, or reboot the host between two starts of guests`,
        },
      ];
    }),
  ];
};
