import { z } from "zod";

const BDF = /^(?:([0-9a-f]{4}):)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/i;
const ID = /^([0-9a-f]{4}):([0-9a-f]{4})$/i;

/** A PCI address with its domain, lower case: `0000:01:00.0` (Linux: Documentation/PCI, sysfs names). */
export type PciAddress = string & { readonly __brand: "PciAddress" };

/** Vendor and device as lspci -n prints them, lower case: `10de:1c81`. */
export type PciId = string & { readonly __brand: "PciId" };

/** Reads `01:00.0` or `0000:01:00.0`; undefined for anything else. */
export const parsePciAddress = (text: string): PciAddress | undefined => {
  const match = BDF.exec(text);
  if (!match) return undefined;
  const [, domain = "0000", bus, slot, fn] = match;
  return `${domain}:${bus}:${slot}.${fn}`.toLowerCase() as PciAddress;
};

/** Reads `10de:1c81`; undefined for anything else. */
export const parsePciId = (text: string): PciId | undefined =>
  ID.test(text) ? (text.toLowerCase() as PciId) : undefined;

/** `0000:01:00`: what the functions of one slot share. */
export const slotOf = (address: PciAddress): string => address.slice(0, address.lastIndexOf("."));

export const pciAddressSchema = z.string().transform((text, context): PciAddress => {
  const address = parsePciAddress(text);
  if (address) return address;
  context.addIssue({ code: "custom", message: `"${text}" is not a PCI address such as "0000:01:00.0"` });
  return z.NEVER;
});

export const pciIdSchema = z.string().transform((text, context): PciId => {
  const id = parsePciId(text);
  if (id) return id;
  context.addIssue({ code: "custom", message: `"${text}" is not a PCI id such as "10de:1c81"` });
  return z.NEVER;
});

/** PCI base class 03: display controllers (PCI Code and ID Assignment Specification). */
export const isDisplay = (device: { readonly class: string }): boolean => device.class.startsWith("03");

/**
 * Bridges to another PCI bus, by their classes: PCI (0604), CardBus (0607), semi-transparent (0609). Their header is
 * not that of a normal device; a host bridge (0600) or an ISA bridge (0601) has the header of one.
 */
export const isBridge = (device: { readonly class: string }): boolean => /^060[479]/.test(device.class);

/** `10de`: the first half of an id. */
export const vendorOf = (device: { readonly id: PciId }): string => device.id.slice(0, 4);
