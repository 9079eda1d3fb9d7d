import type { Facts, PciDevice } from "./facts.ts";
import { isBridge } from "./pci.ts";

/** Whether the kernel has an IOMMU at work: units and groups, not an option on the command line. */
export const iommuActive = (facts: Facts): boolean => facts.iommu.units.length > 0 && facts.iommu.groups > 0;

/**
 * Drivers that leave DMA to whatever owns the IOMMU group, which VFIO therefore tolerates there (Linux:
 * driver_managed_dma of pcieport, pci-stub and vfio-pci; before 5.19: vfio_dev_viable).
 */
const isManagedDma = (driver: string): boolean => /^(pcieport|pci-stub|(.+[-_])?vfio[-_]pci)$/.test(driver);

/** Until Linux 5.18 VFIO tolerated every device that is no normal one, whatever driver it had (vfio_dev_driver_allowed). */
const toleratesEveryBridge = ({ kernel }: Facts): boolean => {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  return major < 5 || (major === 5 && minor < 19);
};

/** Whether VFIO opens a group although this device of it is not handed over. */
export const isTolerated = (facts: Facts, device: PciDevice): boolean =>
  device.driver === null || isManagedDma(device.driver) || (isBridge(device) && toleratesEveryBridge(facts));

/**
 * Devices that share an IOMMU group with the card, are no part of it, and keep VFIO from opening the group (Linux:
 * Documentation/driver-api/vfio.rst, "group viability").
 */
export const foreignMembers = (facts: Facts, functions: readonly PciDevice[]): PciDevice[] => {
  const own = new Set(functions.map((device) => device.address));
  const groups = new Set(functions.flatMap((device) => device.iommuGroup ?? []));
  return facts.pci.filter(
    (device) =>
      device.iommuGroup !== null &&
      groups.has(device.iommuGroup) &&
      !own.has(device.address) &&
      !isTolerated(facts, device),
  );
};
