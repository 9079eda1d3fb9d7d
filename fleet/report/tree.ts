import type { CardReport } from "../../components/plan/cards/card-report.ts";
import type { Facts, PciDevice } from "../../components/facts/facts.ts";
import { isBridge, slotOf } from "../../components/facts/pci.ts";

/** One row of the picture: a bridge, a device, or several equal functions of one slot. */
export interface TreeRow {
  readonly kind: "root" | "bridge" | "device" | "card";
  /** Depth in the tree; 0 for a root complex. */
  readonly depth: number;
  /** Functions of one slot in one group, lowest first; empty for a root complex. */
  readonly devices: readonly PciDevice[];
  /** The name of a root complex, such as `PCI 0000:00`. */
  readonly label: string;
  readonly group: number | null;
  /** The card of these functions; set only on the row of its display function. */
  readonly card: CardReport | undefined;
}

/** A run of successive rows that share one IOMMU group. */
export interface GroupRun {
  readonly group: number;
  readonly from: number;
  readonly to: number;
}

export interface Tree {
  readonly rows: readonly TreeRow[];
  readonly runs: readonly GroupRun[];
}

const rootOf = (device: PciDevice): string => (device.parents[0] ?? device.address).slice(0, 7);

/** Devices that explain the cards: the cards, the bridges above them, and all members of their groups. */
const focused = (facts: Facts, cards: readonly CardReport[]): ReadonlySet<string> => {
  const functions = cards.flatMap((card) => card.functions);
  const groups = new Set(functions.flatMap((device) => device.iommuGroup ?? []));
  const mates = facts.pci.filter((device) => device.iommuGroup !== null && groups.has(device.iommuGroup));
  return new Set<string>([...functions, ...mates].flatMap((device) => [device.address, ...device.parents]));
};

/**
 * Functions of one slot and one group, bundled into rows. All functions of a card share a row. Others share one only
 * if they have the same driver. Each bridge has a row of its own.
 */
const bundles = (devices: readonly PciDevice[], cards: readonly CardReport[]): PciDevice[][] => {
  const key = (device: PciDevice): string => {
    if (isBridge(device)) return device.address;
    const card = cards.find(({ functions }) => functions.includes(device));
    const alike = card ? `card ${card.address}` : device.driver;
    return `${slotOf(device.address)} ${device.iommuGroup} ${alike}`;
  };
  return [...Map.groupBy(devices, key).values()];
};

/**
 * The PCI tree as rows from top to bottom, a device below its bridge, and the runs of rows that share one IOMMU
 * group.
 * @param all every device, not only what matters for the cards
 */
export const pciTree = (facts: Facts, cards: readonly CardReport[], all: boolean): Tree => {
  const wanted = focused(facts, cards);
  const devices = facts.pci
    .filter((device) => all || wanted.has(device.address))
    .sort((a, b) => a.address.localeCompare(b.address));
  const rows: TreeRow[] = [];
  const place = (bundle: readonly PciDevice[], depth: number): void => {
    const [first] = bundle;
    if (!first) return;
    const card = cards.find((one) => bundle.some((device) => device.address === one.address));
    const kind = card ? "card" : isBridge(first) ? "bridge" : "device";
    rows.push({ kind, depth, devices: bundle, label: "", group: first.iommuGroup, card });
    const below = devices.filter((device) =>
      bundle.some((parent) => parent.address === device.parents.at(-1)),
    );
    for (const child of bundles(below, cards)) place(child, depth + 1);
  };
  for (const [root, members] of Map.groupBy(devices, rootOf)) {
    const top = members.filter((device) => device.parents.length === 0);
    const [first] = members;
    const node = first && first.numaNode >= 0 && facts.numaNodes.length > 1 ? `, node ${first.numaNode}` : "";
    rows.push({
      kind: "root",
      depth: 0,
      devices: [],
      label: `PCI ${root}${node}`,
      group: null,
      card: undefined,
    });
    for (const bundle of bundles(top, cards)) place(bundle, 1);
  }
  const runs: GroupRun[] = [];
  for (const [index, { group }] of rows.entries()) {
    const last = runs.at(-1);
    if (group === null) continue;
    if (last?.group === group && last.to === index - 1) runs[runs.length - 1] = { ...last, to: index };
    else runs.push({ group, from: index, to: index });
  }
  return { rows, runs };
};
