/** The description of a lab host, as data. */
import type { ImageName } from "./images/recipes.ts";

/** A card's function: what QEMU emulates, and what the host sees. */
export type CardFunction =
  /** A graphics function (1234:1111, driver bochs-drm). `display`: the host's own boot display, a VGA controller. */
  | { readonly kind: "gpu"; readonly display?: true; readonly optionRom?: string }
  /** The audio function of a GPU (8086:293e, snd_hda_intel). */
  | { readonly kind: "audio" }
  /** An NVMe controller with an empty disk of its own. */
  | { readonly kind: "disk"; readonly sizeMiB: number }
  /** A network card in a network of its own (8086:10d3, e1000e; on a conventional bus 8086:100e, e1000). */
  | { readonly kind: "nic"; readonly optionRom?: string };

/** One card; its functions are numbered in this order. */
export interface Card {
  readonly name: string;
  readonly functions: readonly [CardFunction, ...CardFunction[]];
}

/** A PCIe root port, and the devices behind it. */
export type RootPort =
  | { readonly kind: "card"; readonly card: Card }
  /** A PCIe-to-PCI bridge: the cards behind it share one IOMMU group. */
  | { readonly kind: "pci-bridge"; readonly cards: readonly [Card, ...Card[]] };

export interface HostDescription {
  readonly summary: string;
  readonly image: ImageName;
  /** Vendor of the processor and the IOMMU. */
  readonly vendor: "intel" | "amd";
  readonly iommu: boolean;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Whether the board has its own display beside the cards. */
  readonly boardDisplay: boolean;
  /** In the order of their slots, which is the order of their bus numbers. */
  readonly rootPorts: readonly RootPort[];
}
