import type { Facts, PciDevice } from "./facts.ts";
import { isBridge, isDisplay, slotOf, vendorOf, type PciAddress, type PciId } from "./pci.ts";
import { foreseen, virtualFunctionAt } from "./sriov.ts";

/** A card as a stack names it; without ids, as somebody finds it who only looks. */
export interface CardPlace {
  readonly address: PciAddress;
  /** what the stack lists */
  readonly ids?: readonly PciId[] | undefined;
}

/**
 * Vendors whose processors show devices of their own behind bridges inside of the processor, several in one slot: a
 * GPU, its audio, a security processor, USB controllers and the host's sound (AMD, Hygon). Add-in boards have no such
 * function, and Intel's processors show theirs on the root bus.
 */
const PROCESSOR_VENDORS: readonly string[] = ["1022", "1d94"];

/** Vendors that a maker of GPUs uses for the switch on its boards beside its own: of Vega 10 it has AMD's processors'. */
const SWITCH_VENDORS: Readonly<Record<string, readonly string[]>> = {
  "1002": ["1002", "1022"],
  "8086": ["8086"],
};

/**
 * GPUs that only exist two or more on a board, behind another maker's switch (pci.ids). The same switch stands on
 * mainboards, above slots, so the switch itself tells nothing.
 */
const SEVERAL_ON_A_BOARD: ReadonlySet<string> = new Set(
  "10de:0604 10de:05eb 10de:05e0 10de:0ff2 10de:1001 10de:102d 10de:1088 10de:1188 10de:118f 10de:11bf 10de:13bd 10de:13f2 1002:671c 1002:671d 1002:679b 1002:67b9 1002:6864 1002:689c 1002:689d 8086:4907 8086:56c1".split(
    " ",
  ),
);
/** Boards with two GPUs that are also sold alone: the Radeon Pro Duo's two. */
const SEVERAL_BY_SUBSYSTEM: ReadonlySet<string> = new Set(["1002:1b36"]);

const isOneOfSeveral = ({ id, subsystem }: PciDevice): boolean =>
  SEVERAL_ON_A_BOARD.has(id) || SEVERAL_BY_SUBSYSTEM.has(subsystem);

/** What can be a function of a card: neither the bridges above it nor a virtual function, which is a card of its own. */
const endpoints = (facts: Facts, wanted: (device: PciDevice) => boolean): PciDevice[] =>
  facts.pci
    .filter((device) => !isBridge(device) && wanted(device) && !virtualFunctionAt(facts, device.address))
    .sort((a, b) => a.address.localeCompare(b.address));

const inSlotOf = (facts: Facts, { address }: PciDevice): PciDevice[] =>
  endpoints(facts, (device) => slotOf(device.address) === slotOf(address));

const inOneGroup = (devices: readonly PciDevice[]): boolean =>
  devices[0]?.iommuGroup !== null && devices.every(({ iommuGroup }) => iommuGroup === devices[0]?.iommuGroup);

const union = (...lists: readonly (readonly PciDevice[])[]): PciDevice[] =>
  [...new Set(lists.flat())].sort((a, b) => a.address.localeCompare(b.address));

/**
 * Everything below the upstream port of a GPU's own board. A switch is the board's if only functions of the GPU's maker
 * are below it, and its maker is the same, or all of them share an IOMMU group, or the GPU is known to have a second one
 * beside it. Any other switch is the mainboard's or a dock's: the board then is the slot.
 */
const boardOf = (facts: Facts, display: PciDevice): PciDevice[] => {
  const vendor = vendorOf(display);
  // the first bridge is the root port, which is never the board's; outermost first
  const levels = display.parents.slice(1).flatMap((upstream, level) => {
    const below = endpoints(facts, (device) => device.parents.includes(upstream));
    const port = facts.pci.find(({ address }) => address === upstream);
    const makers = SWITCH_VENDORS[vendor] ?? [];
    const isOwn =
      level === display.parents.length - 3 && port !== undefined && makers.includes(vendorOf(port));
    return below.every((device) => vendorOf(device) === vendor) ? [{ below, isOwn }] : [];
  });
  const several = levels.findLast(({ below }) => {
    const displays = below.filter(isDisplay);
    return displays.length > 1 && displays.every(isOneOfSeveral);
  });
  return union(
    inSlotOf(facts, display),
    levels.find(({ below }) => inOneGroup(below))?.below ?? [],
    levels.find(({ isOwn }) => isOwn)?.below ?? [],
    several?.below ?? [],
  );
};

interface Extent {
  /** what goes along whatever is listed: one board, one IOMMU group */
  readonly required: readonly PciDevice[];
  /** what somebody expects who lists nothing */
  readonly usual: readonly PciDevice[];
}

/**
 * Functions of a processor or on a root bus are devices of their own, although they share a slot. A GPU there goes
 * with its maker's audio; on a root bus also with what shares its slot and its group, as in a virtual machine.
 */
const ofProcessor = (slot: readonly PciDevice[], here: PciDevice, onRootBus: boolean): Extent => {
  const grouped = (device: PciDevice): boolean => inOneGroup([here, device]);
  const usual = isDisplay(here)
    ? slot.filter((device) => vendorOf(device) === vendorOf(here) || (onRootBus && grouped(device)))
    : [here];
  return { usual, required: usual.filter((device) => device === here || grouped(device)) };
};

const extentOf = (facts: Facts, here: PciDevice): Extent => {
  const slot = inSlotOf(facts, here);
  const processor = slot.some((device) => PROCESSOR_VENDORS.includes(vendorOf(device)));
  if (processor || here.parents.length === 0) return ofProcessor(slot, here, !processor);
  const displays = endpoints(facts, (device) => isDisplay(device) && device.parents[0] === here.parents[0]);
  const boards = displays.map((display) => boardOf(facts, display)).filter((board) => board.includes(here));
  const usual = union(slot, ...boards);
  // GPUs of one board that the hardware keeps apart may go to several guests, each with its own slot
  const apart = usual.filter((device) => isDisplay(device) && isOneOfSeveral(device)).length > 1;
  const groups = new Set(slot.flatMap(({ iommuGroup }) => iommuGroup ?? []));
  const required = usual.filter(
    (device) => slot.includes(device) || (device.iommuGroup !== null && groups.has(device.iommuGroup)),
  );
  return { usual, required: apart ? required : usual };
};

/** What a stack may list beside what goes along anyway: of the same slot, the same group, or below the same switch. */
const isNear = (here: PciDevice, device: PciDevice): boolean =>
  slotOf(device.address) === slotOf(here.address) ||
  inOneGroup([here, device]) ||
  (here.parents[1] !== undefined && device.parents[1] === here.parents[1]);

/**
 * All functions of the card at an address, lowest function first: what the stack lists and what has to go along. This
 * is the one meaning of a card: for the plan, for the commands that show cards, and for what explains them. A virtual
 * function (SR-IOV) goes to a guest alone, so it is a card of its own, whether it is there already or not.
 */
export const functionsOf = (facts: Facts, { address, ids }: CardPlace): PciDevice[] => {
  const here = facts.pci.find((device) => device.address === address);
  const virtual = virtualFunctionAt(facts, address);
  if (virtual) {
    const found = here ?? foreseen(address, virtual);
    return found ? [found] : [];
  }
  if (!here) return [];
  const { usual, required } = extentOf(facts, here);
  if (!ids) return [...usual];
  const open = missingIds(ids, required);
  const listed = union(
    usual,
    endpoints(facts, (device) => isNear(here, device)),
  )
    .sort((a, b) => Number(usual.includes(b)) - Number(usual.includes(a)))
    .filter((device) => {
      const at = required.includes(device) ? -1 : open.indexOf(device.id);
      if (at >= 0) open.splice(at, 1);
      return at >= 0;
    });
  return union(required, listed);
};

/** The listed ids that none of the functions has; one that is listed twice needs two of them. */
export const missingIds = (ids: readonly PciId[], functions: readonly PciDevice[]): PciId[] => {
  const there = functions.map(({ id }) => id);
  return ids.filter((id) => {
    const at = there.indexOf(id);
    if (at >= 0) there.splice(at, 1);
    return at < 0;
  });
};
