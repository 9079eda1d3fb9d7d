import type { Facts, PciDevice } from "../../facts/facts.ts";
import { foreignMembers } from "../../facts/iommu.ts";
import { slotOf, type PciAddress } from "../../facts/pci.ts";

/**
 * What stands against handing a card over, whether a plan wants it or somebody only looks:
 * - `foreign`: its IOMMU group holds something else
 * - `carrier`: the host's root disk or the SSH connection hangs on it
 * - `boot-display`: the host would be left without a screen, which `headless` allows
 */
export interface CardFinding {
  readonly kind: "foreign" | "carrier" | "boot-display";
  readonly problem: string;
  readonly remedy: string;
  /** what it is about: the foreign member, the function that carries, the display */
  readonly address: PciAddress;
}

/** Judges all functions of one card, lowest function first. */
export const cardFindings = (facts: Facts, functions: readonly PciDevice[]): CardFinding[] => [
  ...foreignMembers(facts, functions).map((device) => ({
    kind: "foreign" as const,
    address: device.address,
    problem: `IOMMU group ${device.iommuGroup} also holds ${device.address} (${device.id}, driver ${device.driver ?? "none"}), which is no part of the card`,
    remedy: functions.some((own) => slotOf(own.address) === slotOf(device.address))
      ? "the processor's own devices share that group: use another card, or list this device's id among the card's ids if the host can do without it"
      : "put the card into another slot, or give the other device to the guest as well",
  })),
  ...functions.flatMap((device) =>
    facts.carriers
      .filter(({ address }) => address === device.address)
      .map((carrier) => ({
        kind: "carrier" as const,
        address: device.address,
        problem: `${device.address} carries ${carrier.what}: the host would lose it`,
        remedy: "choose another card",
      })),
  ),
  ...functions
    .filter((device) => device.bootVga === true)
    .map((device) => ({
      kind: "boot-display" as const,
      address: device.address,
      problem: `${device.address} is the host's boot display: the host would be left without a screen`,
      remedy:
        "set headless: true if that is what you want, or make another card the firmware's primary display",
    })),
];
