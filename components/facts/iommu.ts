import type { Facts, PciDevice } from "./facts.ts";
import { isBridge, slotOf, type PciAddress } from "./pci.ts";
import { foreseen, virtualFunctionAt } from "./sriov.ts";

/**
 * All functions of the card at an address, lowest function first: a GPU with its audio and USB functions. A virtual
 * function (SR-IOV) goes to a guest alone, so it is a card of its own, whether it is there already or not.
 */
export const functionsOf = (facts: Facts, address: PciAddress): PciDevice[] => {
  const virtual = virtualFunctionAt(facts, address);
  if (virtual) {
    const found = facts.pci.find((device) => device.address === address) ?? foreseen(address, virtual);
    return found ? [found] : [];
  }
  return facts.pci
    .filter(
      (device) => slotOf(device.address) === slotOf(address) && !virtualFunctionAt(facts, device.address),
    )
    .sort((a, b) => a.address.localeCompare(b.address));
};

/** Whether the kernel has an IOMMU at work: units and groups, not an option on the command line. */
export const iommuActive = (facts: Facts): boolean => facts.iommu.units.length > 0 && facts.iommu.groups > 0;

/**
 * Devices that share an IOMMU group with the card and are no part of it. Bridges do not count: they carry the card
 * and VFIO allows them (Linux: Documentation/driver-api/vfio.rst, "group viability").
 */
export const foreignMembers = (facts: Facts, functions: readonly PciDevice[]): PciDevice[] => {
  const own = new Set(functions.map((device) => device.address));
  const groups = new Set(functions.flatMap((device) => device.iommuGroup ?? []));
  return facts.pci.filter(
    (device) =>
      device.iommuGroup !== null &&
      groups.has(device.iommuGroup) &&
      !own.has(device.address) &&
      !isBridge(device),
  );
};
