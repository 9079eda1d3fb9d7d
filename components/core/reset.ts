import type { Facts, PciDevice } from "./facts.ts";
import { slotOf } from "./pci.ts";

/** Device ids, in hex, of AMD GPUs whose reset does not bring them back; from and to of each range. */
interface Family {
  readonly name: string;
  readonly ranges: readonly (readonly [number, number])[];
}

/**
 * Families that the out-of-tree module vendor-reset was written for: neither a bus reset nor what Linux knows of them
 * leaves them in a state that a second guest can start (gnif/vendor-reset, its list of supported devices).
 */
const AMD_FAMILIES: readonly Family[] = [
  {
    name: "Polaris",
    ranges: [
      [0x67c0, 0x67ff],
      [0x6980, 0x699f],
      [0x6fdf, 0x6fdf],
    ],
  },
  {
    name: "Vega",
    ranges: [
      [0x6860, 0x687f],
      [0x66a0, 0x66af],
    ],
  },
  {
    name: "Navi 1x",
    ranges: [
      [0x7310, 0x731f],
      [0x7340, 0x734f],
      [0x7360, 0x7362],
    ],
  },
];

/** The family of an AMD GPU that is known to stay dead after a guest's stop; undefined for all others. */
export const resetFamily = (device: PciDevice): string | undefined => {
  const [vendor, product] = device.id.split(":");
  if (vendor !== "1002" || !device.class.startsWith("03")) return undefined;
  const id = Number.parseInt(product ?? "", 16);
  return AMD_FAMILIES.find(({ ranges }) => ranges.some(([from, to]) => from <= id && id <= to))?.name;
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
      if (family === undefined || facts.modules.includes("vendor_reset")) return [];
      return [
        {
          kind: "known-bad" as const,
          problem: `${device.address} is an AMD ${family} card, a family known not to come back from a reset: the second start of a guest may fail or hang the host`,
          remedy:
            "install the module vendor-reset (gnif/vendor-reset), or reboot the host between two starts of guests",
        },
      ];
    }),
  ];
};
