import type { Facts } from "../../facts/facts.ts";
import { hostdevAddress } from "./document/existing.ts";
import { elementsOf, find, parseXml, textOf, type XmlElement } from "./document/xml-tree.ts";
import type { PciAddress } from "../../facts/pci.ts";

/** One host function in a domain's definition. */
export interface HostdevView {
  readonly address: PciAddress;
  /** libvirt takes it from its driver at the start and gives it back at the stop */
  readonly managed: boolean;
  readonly romFile: string | undefined;
  /** false: the guest sees no ROM at all */
  readonly romBar: boolean;
  /** the guest's bus and slot, `01:00`; undefined where libvirt has not chosen one yet */
  readonly guestSlot: string | undefined;
}

/** What judgements look at in a domain's definition (libvirt: Domain XML format). */
export interface DomainView {
  readonly name: string;
  readonly running: boolean;
  /** `kvm`, or `qemu` for emulation */
  readonly type: string;
  /** its metadata, local-time clock or Hyper-V features say so */
  readonly windows: boolean;
  /** its metadata (libosinfo) say so */
  readonly windows11: boolean;
  readonly uefi: boolean;
  readonly loader: string | undefined;
  readonly nvramTemplate: string | undefined;
  /** Secure Boot with enrolled keys, as far as the definition says */
  readonly secureBoot: boolean;
  readonly smm: boolean;
  /** `pc-q35-7.2`, `pc-i440fx-7.2` */
  readonly machine: string;
  readonly memoryKiB: number;
  /** undefined: ordinary pages; 0: huge pages of the host's default size; else their size in KiB */
  readonly hugePageKiB: number | undefined;
  readonly vcpus: number;
  readonly cpu: {
    readonly mode: string | undefined;
    readonly sockets: number | undefined;
    readonly cores: number | undefined;
    readonly threads: number | undefined;
    readonly physicalAddressBits: number | undefined;
  };
  readonly kvmHidden: boolean;
  readonly hypervVendorId: boolean;
  readonly hyperv: boolean;
  /** Hyper-V's enlightened VMCS */
  readonly evmcs: boolean;
  readonly hostdevs: readonly HostdevView[];
  /** `vnc`, `spice` */
  readonly graphics: readonly string[];
  /** `vga`, `qxl`, `virtio`, `none` */
  readonly videos: readonly string[];
  readonly tpm: boolean;
  /** files and devices that have to be there for a start: disks, ROMs, firmware */
  readonly paths: readonly string[];
  /** arguments of `qemu:commandline` */
  readonly qemuArguments: readonly string[];
}

const UNITS: Readonly<Record<string, number>> = {
  b: 1 / 1024,
  bytes: 1 / 1024,
  KB: 1000 / 1024,
  k: 1,
  KiB: 1,
  MB: 1_000_000 / 1024,
  M: 1024,
  MiB: 1024,
  GB: 1_000_000_000 / 1024,
  G: 1024 ** 2,
  GiB: 1024 ** 2,
  T: 1024 ** 3,
  TiB: 1024 ** 3,
};

const kib = (found: XmlElement | undefined, value: string | undefined): number =>
  Math.round(Number(value ?? 0) * (UNITS[found?.attributes["unit"] ?? "KiB"] ?? 1));

const on = (feature: XmlElement | undefined): boolean =>
  feature !== undefined && (feature.attributes["state"] ?? "on") !== "off";

const guestSlot = (hostdev: XmlElement): string | undefined => {
  const at = find(hostdev, "address")?.attributes;
  if (at?.["bus"] === undefined || at["slot"] === undefined) return undefined;
  const part = (text: string): string => Number(text).toString(16).padStart(2, "0");
  return `${part(at["bus"])}:${part(at["slot"])}`;
};

const hostdevs = (devices: XmlElement | undefined): HostdevView[] =>
  elementsOf(devices, "hostdev").flatMap((hostdev) => {
    const address = hostdev.attributes["type"] === "pci" ? hostdevAddress(hostdev) : undefined;
    if (!address) return [];
    const rom = find(hostdev, "rom")?.attributes;
    return [
      {
        address,
        managed: hostdev.attributes["managed"] === "yes",
        romFile: rom?.["file"],
        romBar: rom?.["bar"] !== "off" && rom?.["enabled"] !== "no",
        guestSlot: guestSlot(hostdev),
      },
    ];
  });

const number = (text: string | undefined): number | undefined =>
  text === undefined || text === "" || Number.isNaN(Number(text)) ? undefined : Number(text);

const view = (domain: XmlElement, name: string, running: boolean): DomainView => {
  const os = find(domain, "os");
  const features = find(domain, "features");
  const devices = find(domain, "devices");
  const cpu = find(domain, "cpu");
  const topology = find(cpu, "topology")?.attributes;
  const loader = find(os, "loader");
  const nvram = find(os, "nvram");
  const page = find(domain, "memoryBacking", "hugepages", "page");
  const cards = hostdevs(devices);
  const uefi = os?.attributes["firmware"] === "efi" || loader?.attributes["type"] === "pflash";
  const loaderPath = textOf(loader)?.trim() || undefined;
  const template = nvram?.attributes["template"];
  const metadata = JSON.stringify(find(domain, "metadata") ?? "");
  const enrolled = elementsOf(find(os, "firmware"), "feature").some(
    ({ attributes }) => attributes["name"] === "enrolled-keys" && attributes["enabled"] === "yes",
  );
  return {
    name,
    running,
    type: domain.attributes["type"] ?? "kvm",
    windows:
      /microsoft\.com\/win/.test(metadata) ||
      find(domain, "clock")?.attributes["offset"] === "localtime" ||
      find(features, "hyperv") !== undefined,
    windows11: /microsoft\.com\/win\/11\b/.test(metadata),
    uefi,
    loader: loaderPath,
    nvramTemplate: template,
    secureBoot: enrolled || /\.(ms|secboot\.vars)\.|VARS.*\.ms\./i.test(template ?? ""),
    smm: on(find(features, "smm")),
    machine: find(os, "type")?.attributes["machine"] ?? "",
    memoryKiB: kib(find(domain, "memory"), textOf(find(domain, "memory"))),
    hugePageKiB: find(domain, "memoryBacking", "hugepages") && kib(page, page?.attributes["size"]),
    vcpus: number(textOf(find(domain, "vcpu"))) ?? 1,
    cpu: {
      mode: cpu?.attributes["mode"],
      sockets: number(topology?.["sockets"]),
      cores: number(topology?.["cores"]),
      threads: number(topology?.["threads"]),
      physicalAddressBits: number(find(cpu, "maxphysaddr")?.attributes["bits"]),
    },
    kvmHidden: on(find(features, "kvm", "hidden")),
    hypervVendorId: on(find(features, "hyperv", "vendor_id")),
    hyperv: elementsOf(find(features, "hyperv")).some(on),
    evmcs: on(find(features, "hyperv", "evmcs")),
    hostdevs: cards,
    graphics: elementsOf(devices, "graphics").map(({ attributes }) => attributes["type"] ?? ""),
    videos: elementsOf(devices, "video").map((video) => find(video, "model")?.attributes["type"] ?? ""),
    tpm: elementsOf(devices, "tpm").length > 0,
    paths: [
      ...elementsOf(devices, "disk").flatMap((disk) => {
        const source = find(disk, "source")?.attributes;
        return source?.["file"] ?? source?.["dev"] ?? [];
      }),
      ...cards.flatMap((card) => card.romFile ?? []),
      ...(loaderPath === undefined ? [] : [loaderPath]),
      ...(template === undefined ? [] : [template]),
    ],
    qemuArguments: elementsOf(
      elementsOf(domain).find((child) => child.name.endsWith(":commandline")),
    ).flatMap((argument) => argument.attributes["value"] ?? []),
  };
};

/**
 * A domain as its judgements see it: the running definition where it runs, else the stored one. Undefined where
 * neither can be read, which is so for every plain user.
 */
export const domainView = (domain: Facts["libvirt"]["domains"][number]): DomainView | undefined => {
  const xml = domain.liveXml ?? domain.xml;
  const parsed = xml === undefined ? undefined : parseXml(xml);
  if (!parsed?.ok) return undefined;
  // the status file of a running domain wraps the definition
  const root = parsed.root.name === "domain" ? parsed.root : find(parsed.root, "domain");
  return root && view(root, domain.name, domain.running);
};

/** All domains of a host whose definitions could be read. */
export const domainViews = (facts: Facts): DomainView[] =>
  facts.libvirt.domains.flatMap((domain) => domainView(domain) ?? []);
