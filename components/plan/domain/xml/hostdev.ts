import type { CardRom } from "../resolve/context.ts";
import type { ResolvedCard, ResolvedDomain } from "../resolve/resolved.ts";
import { hostAddressElement, pciAddressElement } from "./address.ts";
import { element, type XmlElement } from "../document/xml-tree.ts";

const romElement = (rom: CardRom): XmlElement | undefined => {
  switch (rom.kind) {
    case "card":
      return undefined;
    case "file":
      return element("rom", { bar: "on", file: rom.path });
    case "off":
      return element("rom", { bar: "off" });
  }
};

/** All functions of a card on one slot of the guest, as on the card itself; function 0 says that there are more. */
const cardElements = (card: ResolvedCard, { guestPci }: ResolvedDomain): XmlElement[] => {
  const slot = guestPci.addressOf({ kind: "card", place: card.place });
  return card.functions.map(({ address, guestFunction, rom }) =>
    element("hostdev", { mode: "subsystem", type: "pci", managed: card.managed ? "yes" : "no" }, [
      element("driver", { name: "vfio" }),
      element("source", {}, [hostAddressElement(address)]),
      romElement(rom),
      pciAddressElement({ ...slot, function: guestFunction }, guestFunction === 0 ? "on" : undefined),
    ]),
  );
};

const usbElement = (device: { readonly id: string; readonly optional: boolean }): XmlElement => {
  const [vendor = "", product = ""] = device.id.split(":");
  return element("hostdev", { mode: "subsystem", type: "usb", managed: "yes" }, [
    element("source", { startupPolicy: device.optional ? "optional" : undefined }, [
      element("vendor", { id: `0x${vendor}` }),
      element("product", { id: `0x${product}` }),
    ]),
  ]);
};

export const hostdevElements = (domain: ResolvedDomain): XmlElement[] => [
  ...domain.cards.flatMap((card) => cardElements(card, domain)),
  ...domain.usb.devices.map(usbElement),
];
