import type { Facts } from "../../../facts/facts.ts";
import { functionsOf } from "../../../facts/card.ts";
import { isDisplay, type PciAddress, type PciId } from "../../../facts/pci.ts";
import { parseCpuset } from "../spec/cpuset.ts";
import type { ExistingDomain } from "../document/existing.ts";
import type { FirmwareImage } from "./firmware-images.ts";
import type { HugepageSize } from "../spec/schema.ts";

export interface NumaNode {
  readonly node: number;
  readonly cpus: readonly number[];
  readonly memoryMiB: number;
}

/** What the host's hardware offers. */
export interface HostResources {
  readonly cpuVendor: "intel" | "amd" | "other";
  /** numbers of the host's CPUs (hardware threads) */
  readonly cpus: readonly number[];
  readonly memoryMiB: number;
  readonly numaNodes: readonly NumaNode[];
  /** guests may run guests of their own; undefined where that is not known */
  readonly nested?: boolean;
  /** huge pages reserved, by size; undefined where that is not known */
  readonly hugepages?: Readonly<Partial<Record<HugepageSize, number>>>;
}

export const pageMiB: Readonly<Record<HugepageSize, number>> = { "2 MiB": 2, "1 GiB": 1024 };

/** Memory that is set aside in huge pages, as far as that is known: only guests that ask for such pages get it. */
export const inHugepagesMiB = ({ hugepages = {} }: HostResources): number =>
  (hugepages["2 MiB"] ?? 0) * pageMiB["2 MiB"] + (hugepages["1 GiB"] ?? 0) * pageMiB["1 GiB"];

/** What a guest gets of a card's video BIOS; `card`: what the card itself shows. */
export type CardRom =
  | { readonly kind: "card" }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "off" };

/** A card as a domain needs to know it. */
export interface HostCard {
  readonly functions: readonly { readonly address: PciAddress; readonly display: boolean }[];
  /** -1 where the host has one node or its firmware does not say */
  readonly numaNode: number;
  readonly rom: CardRom;
  /** vfio-pci holds the card from the host's boot; otherwise libvirt has to take it from its host driver */
  readonly boundAtBoot: boolean;
}

/** A storage pool: `files` for pools of image files, `devices` for LVM and ZFS pools. */
export interface StoragePool {
  readonly kind: "files" | "devices";
  /** folder that the volumes' paths begin with: /var/lib/libvirt/images, /dev/vg0, /dev/zvol/tank */
  readonly path: string;
}

/** What stands at a path of the host; `iso` is a file that begins as an ISO 9660 image does. */
export type PathKind = "iso" | "file" | "block" | "character" | "directory" | "absent";

/** Everything that decides what a domain becomes on one host. What is undefined is not checked. */
export interface DomainContext {
  readonly name: string;
  readonly stack: string;
  /** the host's name in the stack */
  readonly host: string;
  readonly resources: HostResources;
  /** images that are there, or will be once the host's packages are installed */
  readonly firmware: readonly FirmwareImage[];
  /** swtpm is there, or will be */
  readonly swtpm: boolean;
  readonly versions?: { readonly libvirt?: string; readonly qemu?: string };
  /** cards by their names in the stack */
  readonly cards: Readonly<Record<string, HostCard>>;
  /** the cards chosen for `gpus: {any: N}` */
  readonly assigned?: readonly string[];
  readonly pools: Readonly<Record<string, StoragePool>>;
  readonly networks?: readonly string[];
  readonly bridges?: readonly string[];
  /** paths that were looked at; see paths.ts for the ones to look at */
  readonly paths?: Readonly<Record<string, PathKind>>;
  /** the definition that libvirt has under this name */
  readonly existing?: ExistingDomain;
}

const mebibytes = (kib: number): number => Math.floor(kib / 1024);

/** The host's resources as its facts tell them. */
export const hostResources = (facts: Facts): HostResources => {
  const numaNodes = facts.numaNodes.map(({ node, cpus, memoryKiB }) => ({
    node,
    cpus: parseCpuset(cpus) ?? [],
    memoryMiB: mebibytes(memoryKiB),
  }));
  const listed = numaNodes.flatMap(({ cpus }) => cpus);
  const { sockets, cores, threads } = facts.cpu;
  return {
    cpuVendor: facts.cpu.vendor,
    cpus: listed.length > 0 ? listed : Array.from({ length: sockets * cores * threads }, (_, cpu) => cpu),
    memoryMiB: mebibytes(facts.memoryKiB),
    numaNodes,
  };
};

/** A card as the facts show it. */
export const hostCard = (
  facts: Facts,
  address: PciAddress,
  {
    ids,
    ...given
  }: { readonly ids?: readonly PciId[]; readonly rom: CardRom; readonly boundAtBoot: boolean },
): HostCard => {
  const functions = functionsOf(facts, { address, ids });
  return {
    functions: functions.map((device) => ({ address: device.address, display: isDisplay(device) })),
    numaNode: functions[0]?.numaNode ?? -1,
    ...given,
  };
};
