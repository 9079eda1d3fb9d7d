import type { Facts, PciDevice } from "./facts.ts";
import { parsePciAddress, parsePciId, type PciAddress } from "./pci.ts";

/** A PCI function's routing id within its domain: bus, device, function as one number (PCIe base specification, 2.2.4.2). */
const routingId = (address: PciAddress): { readonly domain: string; readonly id: number } => {
  const [, domain = "", bus = "", slot = "", fn = ""] = /^(.+):(..):(..)\.(.)$/.exec(address) ?? [];
  return {
    domain,
    id: (Number.parseInt(bus, 16) << 8) | (Number.parseInt(slot, 16) << 3) | Number.parseInt(fn, 16),
  };
};

const hexDigits = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** The address of a physical function's virtual function, counted from 0 (Linux: drivers/pci/iov.c, pci_iov_virtfn_bus). */
const addressOf = (parent: PciDevice, index: number): PciAddress | undefined => {
  const { offset, stride } = parent.sriov ?? {};
  if (offset === undefined || stride === undefined) return undefined;
  const { domain, id } = routingId(parent.address);
  const found = id + offset + stride * index;
  return parsePciAddress(
    `${domain}:${hexDigits(found >> 8, 2)}:${hexDigits((found >> 3) & 31, 2)}.${found & 7}`,
  );
};

export interface VirtualFunction {
  readonly parent: PciDevice;
  /** counted from 0 */
  readonly index: number;
}

/** Which virtual function an address is, or would be once it is made; undefined for every other device. */
export const virtualFunctionAt = (facts: Facts, address: PciAddress): VirtualFunction | undefined => {
  for (const parent of facts.pci)
    for (let index = 0; index < (parent.sriov?.total ?? 0); index++)
      if (addressOf(parent, index) === address) return { parent, index };
  return undefined;
};

/** The physical function that a device is, or is a virtual function of. */
export const physicalOf = (facts: Facts, { address }: PciDevice): PciAddress =>
  virtualFunctionAt(facts, address)?.parent.address ?? address;

/** Devices of a function's model elsewhere on the host. A physical function and its virtual ones are one device. */
export const twinsOf = (facts: Facts, device: PciDevice): PciDevice[] =>
  facts.pci.filter(
    (other) =>
      other.id === device.id &&
      other.address !== device.address &&
      physicalOf(facts, other) !== physicalOf(facts, device),
  );

/** A virtual function that is not made yet, as the kernel will show it: no group and no driver so far. */
export const foreseen = (address: PciAddress, { parent }: VirtualFunction): PciDevice | undefined => {
  const id = parsePciId(`${parent.id.slice(0, 4)}:${parent.sriov?.device ?? ""}`);
  return (
    id && {
      ...parent,
      address,
      id,
      driver: null,
      iommuGroup: null,
      bootVga: null,
      hasRom: false,
      parents: [],
    }
  );
};
