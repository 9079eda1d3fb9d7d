import type { DomainContext } from "./context.ts";
import { guestRoom } from "./guest-pci.ts";
import { listed, repeated, type Report } from "./report.ts";
import type { ResolvedDomain, ResolvedInterface } from "./resolved.ts";
import type { NetworkSpec } from "../spec/schema-devices.ts";
import type { DomainSpec } from "../spec/schema.ts";
import type { MachineFamily, ProfileSettings } from "../spec/settings.ts";
import { interfaceMac } from "./uuid.ts";
import { find } from "../document/xml-tree.ts";

const checkNetwork = (network: NetworkSpec, field: string, context: DomainContext, report: Report): void => {
  const [kind, name, known] =
    network.type === "network"
      ? (["network", network.network, context.networks] as const)
      : (["bridge", network.bridge, context.bridges] as const);
  if (known && !known.includes(name))
    report.add(
      `${field}.${kind}`,
      `the host has no ${kind} "${name}"; it has: ${listed(known)}`,
      kind === "network"
        ? "name one of them, or add the network to the stack"
        : "name one of them, or set it up on the host",
    );
};

const interfacesOf = (
  spec: DomainSpec,
  settings: ProfileSettings,
  family: MachineFamily,
  uuid: string,
  context: DomainContext,
  report: Report,
): ResolvedInterface[] => {
  const adopted = spec.adopt ? (context.existing?.interfaces ?? []) : [];
  const room = guestRoom[family].interface;
  const tooMany = (count: number): void => {
    if (count > room)
      report.add(
        "networks",
        `${count} interfaces, ${family} has places for ${room}`,
        "take some out, or use q35",
      );
  };
  if (spec.networks === undefined && spec.adopt && context.existing) {
    tooMany(adopted.length);
    return adopted.map((element) => ({ kind: "adopted", element }));
  }
  tooMany(settings.networks.length);
  const resolved = settings.networks.map((network, index) => {
    checkNetwork(network, `networks.${index}`, context, report);
    const kept = find(adopted[index], "mac")?.attributes["address"]?.toLowerCase();
    return { kind: "own", spec: network, mac: network.mac ?? kept ?? interfaceMac(uuid, index) } as const;
  });
  for (const mac of repeated(resolved.map((one) => one.mac)))
    report.add("networks", `${mac} is the address of more than one interface`, "give each its own mac");
  return resolved;
};

type Devices = Pick<
  ResolvedDomain,
  "interfaces" | "graphics" | "video" | "usb" | "evdev" | "lookingGlass" | "sharedFolders" | "balloon"
>;

export const resolveDevices = (
  spec: DomainSpec,
  settings: ProfileSettings,
  family: MachineFamily,
  uuid: string,
  context: DomainContext,
  report: Report,
): Devices => {
  const { usb, graphics, lookingGlass } = settings;
  if (usb.controller === "none" && usb.devices.length > 0)
    report.add(
      "usb.devices",
      "USB devices need a USB controller, and usb.controller is none",
      "set usb.controller: qemu-xhci",
    );
  for (const id of repeated(usb.devices.map((device) => device.id)))
    report.add(
      "usb.devices",
      `${id} is listed more than once`,
      "list it once; two of a kind cannot be told apart by id",
    );
  for (const tag of repeated(spec.sharedFolders.map((folder) => folder.tag)))
    report.add("sharedFolders", `tag "${tag}" is there more than once`, "give each folder a tag of its own");
  for (const device of repeated(spec.evdev.map((input) => input.device)))
    report.add("evdev", `${device} is listed more than once`, "list it once");
  const folders = guestRoom[family].filesystem;
  if (spec.sharedFolders.length > folders)
    report.add(
      "sharedFolders",
      `${spec.sharedFolders.length} folders, ${family} has places for ${folders}`,
      "take some out, or use q35",
    );
  return {
    interfaces: interfacesOf(spec, settings, family, uuid, context, report),
    graphics,
    video: settings.video,
    usb: { ...usb, tablet: graphics.type === "vnc" && usb.controller !== "none" },
    evdev: spec.evdev,
    lookingGlass:
      lookingGlass === "off"
        ? undefined
        : { name: lookingGlass.name ?? `looking-glass-${context.name}`, sizeMiB: lookingGlass.sizeMiB },
    sharedFolders: spec.sharedFolders,
    balloon: settings.balloon,
  };
};
