import type { PciAddress } from "../../../facts/pci.ts";
import type { GuestAddress } from "../resolve/guest-pci.ts";
import { element, type XmlElement } from "../document/xml-tree.ts";

const hex = (value: number, width: number): string => `0x${value.toString(16).padStart(width, "0")}`;

/** A device's place in the guest, spelled as libvirt prints it. */
export const pciAddressElement = (
  { bus, slot, function: fn }: GuestAddress,
  multifunction?: "on",
): XmlElement =>
  element("address", {
    type: "pci",
    domain: "0x0000",
    bus: hex(bus, 2),
    slot: hex(slot, 2),
    function: hex(fn, 1),
    multifunction,
  });

/** A function's address on the host: `0000:03:00.1`. */
export const hostAddressElement = (address: PciAddress): XmlElement => {
  const [domain = "", bus = "", rest = ""] = address.split(":");
  const [slot = "", fn = ""] = rest.split(".");
  return element("address", {
    domain: `0x${domain}`,
    bus: `0x${bus}`,
    slot: `0x${slot}`,
    function: `0x${fn}`,
  });
};
