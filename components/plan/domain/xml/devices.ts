import type { ResolvedDomain, ResolvedInterface } from "../resolve/resolved.ts";
import type { EvdevSpec, GraphicsSpec, SharedFolderSpec } from "../spec/schema-devices.ts";
import { pciAddressElement } from "./address.ts";
import { element, elementsOf, type XmlElement } from "../document/xml-tree.ts";

const interfaceElement = (given: ResolvedInterface, address: XmlElement): XmlElement => {
  if (given.kind === "adopted")
    return {
      ...given.element,
      children: [
        ...elementsOf(given.element).filter(({ name }) => !["address", "alias", "boot"].includes(name)),
        address,
      ],
    };
  const { spec, mac } = given;
  return element("interface", { type: spec.type }, [
    element("mac", { address: mac }),
    element("source", spec.type === "network" ? { network: spec.network } : { bridge: spec.bridge }),
    element("model", { type: spec.model }),
    spec.link === "down" && element("link", { state: "down" }),
    address,
  ]);
};

const graphicsElements = (graphics: GraphicsSpec): XmlElement[] =>
  graphics.type === "none"
    ? []
    : [
        element(
          "graphics",
          {
            type: "vnc",
            port: graphics.port === "auto" ? -1 : graphics.port,
            autoport: graphics.port === "auto" ? "yes" : "no",
            listen: graphics.listen,
          },
          [element("listen", { type: "address", address: graphics.listen })],
        ),
      ];

const videoElement = ({ video, guestPci }: ResolvedDomain): XmlElement =>
  video === "none"
    ? element("video", {}, [element("model", { type: "none" })])
    : element("video", {}, [
        element("model", { type: video, heads: 1, primary: "yes" }),
        pciAddressElement(guestPci.addressOf({ kind: "video" })),
      ]);

const usbController = ({ usb, guestPci }: ResolvedDomain): XmlElement =>
  usb.controller === "none"
    ? element("controller", { type: "usb", index: 0, model: "none" })
    : element("controller", { type: "usb", index: 0, model: usb.controller, ports: 15 }, [
        pciAddressElement(guestPci.addressOf({ kind: "usb" })),
      ]);

const evdevElement = ({ device, grab, hotkey, repeat }: EvdevSpec): XmlElement =>
  element("input", { type: "evdev" }, [
    element("source", {
      dev: device,
      grab: grab === "all" ? "all" : undefined,
      grabToggle: hotkey,
      repeat: repeat ? "on" : "off",
    }),
  ]);

const folderElement = (folder: SharedFolderSpec, address: XmlElement): XmlElement =>
  element("filesystem", { type: "mount", accessmode: folder.type === "9p" ? folder.access : "passthrough" }, [
    element("driver", { type: folder.type === "9p" ? "path" : "virtiofs" }),
    element("source", { dir: folder.source }),
    element("target", { dir: folder.tag }),
    folder.type === "9p" && folder.readonly && element("readonly"),
    address,
  ]);

const balloonElement = ({ balloon, guestPci }: ResolvedDomain): XmlElement =>
  balloon === "off"
    ? element("memballoon", { model: "none" })
    : element("memballoon", { model: "virtio" }, [
        element("stats", { period: balloon.statsSeconds }),
        pciAddressElement(guestPci.addressOf({ kind: "balloon" })),
      ]);

/** The PCI Express root ports of q35, each with a number of its own that does not change. */
const rootPorts = ({ machine, guestPci }: ResolvedDomain): XmlElement[] =>
  machine.family === "i440fx"
    ? [element("controller", { type: "pci", index: 0, model: "pci-root" })]
    : [
        element("controller", { type: "pci", index: 0, model: "pcie-root" }),
        ...guestPci.ports.map((port) => {
          const number = port.slot * 8 + port.function;
          return element("controller", { type: "pci", index: port.index, model: "pcie-root-port" }, [
            element("target", { chassis: number, port: `0x${number.toString(16)}` }),
            pciAddressElement(
              { bus: 0, slot: port.slot, function: port.function },
              port.multifunction ? "on" : undefined,
            ),
          ]);
        }),
      ];

export const deviceElements = (domain: ResolvedDomain): XmlElement[] => {
  const { guestPci, lookingGlass } = domain;
  return [
    ...rootPorts(domain),
    usbController(domain),
    ...domain.sharedFolders.map((folder, place) =>
      folderElement(folder, pciAddressElement(guestPci.addressOf({ kind: "filesystem", place }))),
    ),
    ...domain.interfaces.map((given, place) =>
      interfaceElement(given, pciAddressElement(guestPci.addressOf({ kind: "interface", place }))),
    ),
    ...(domain.usb.tablet ? [element("input", { type: "tablet", bus: "usb" })] : []),
    ...domain.evdev.map(evdevElement),
    ...(domain.tpm === "none"
      ? []
      : [element("tpm", { model: domain.tpm }, [element("backend", { type: "emulator", version: "2.0" })])]),
    ...graphicsElements(domain.graphics),
    videoElement(domain),
    balloonElement(domain),
    ...(lookingGlass
      ? [
          element("shmem", { name: lookingGlass.name }, [
            element("model", { type: "ivshmem-plain" }),
            element("size", { unit: "M" }, [String(lookingGlass.sizeMiB)]),
            pciAddressElement(guestPci.addressOf({ kind: "shmem" })),
          ]),
        ]
      : []),
  ];
};
