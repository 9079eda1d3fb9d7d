import { cardFindings } from "./card-findings.ts";
import { boundAddresses } from "../kernel/binding.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import { functionsOf, missingIds } from "../../facts/card.ts";
import type { CardSpec } from "../kernel/kernel-spec.ts";
import { isDisplay, slotOf, type PciAddress } from "../../facts/pci.ts";
import type { Problem } from "../../facts/problem.ts";
import { physicalOf } from "../../facts/sriov.ts";
import { isVirtual } from "./virtual-functions.ts";

type Cards = Readonly<Record<string, CardSpec>>;

/** All functions of all cards of a stack: what is handed to guests. */
export const stackFunctions = (facts: Facts, cards: Cards): PciDevice[] =>
  Object.values(cards).flatMap((card) => functionsOf(facts, card));

/** The cards that vfio-pci has from boot on. */
export const boundCards = (cards: Cards): Cards =>
  Object.fromEntries(Object.entries(cards).filter(([, { idle }]) => idle !== "host"));

const absent = (facts: Facts, name: string, card: CardSpec): Problem => {
  const candidates = facts.pci.filter(isDisplay).map((device) => `${device.address} ${device.id}`);
  const twins = facts.pci
    .filter((device) => device.id === card.ids[0] && !isVirtual(facts, device.address))
    .map((device) => device.address);
  return {
    path: `cards.${name}.address`,
    problem: `the host has no PCI device at ${card.address}`,
    remedy:
      twins.length > 0
        ? `a device ${card.ids[0]} is at ${twins.join(", ")}`
        : `display devices there: ${candidates.join(", ") || "none"}`,
  };
};

const idList = (devices: readonly { readonly id: string }[]): string =>
  devices.map(({ id }) => id).join(", ");

/** Why a function that the stack does not list goes along. */
const bond = (device: PciDevice, others: readonly PciDevice[]): string =>
  device.iommuGroup !== null && others.some(({ iommuGroup }) => iommuGroup === device.iommuGroup)
    ? `shares IOMMU group ${device.iommuGroup} with the card`
    : "is on the card's board";

/** What the ids of a card say otherwise than the host: another card there, functions that they lack, or that are not there. */
const idsProblems = (
  facts: Facts,
  path: string,
  card: CardSpec,
  functions: readonly PciDevice[],
): Problem[] => {
  const here = functions.filter((device) => device.address === card.address);
  if (!here.some((device) => card.ids.includes(device.id)))
    return [
      {
        path,
        problem: `the functions at ${isVirtual(facts, card.address) ? card.address : slotOf(card.address)} are ${idList(functions)}, expected ${card.ids.join(", ")}`,
        remedy: "the slot holds another card: correct the address or the ids",
      },
    ];
  const open = [...card.ids];
  // those of the address first, for one id may stand for several functions
  const lacking = [...here, ...functions.filter((device) => !here.includes(device))].filter((device) => {
    const at = open.indexOf(device.id);
    if (at >= 0) open.splice(at, 1);
    return at < 0;
  });
  const listed = functions.filter((device) => !lacking.includes(device));
  const beyond = missingIds(card.ids, functions);
  const remedy = `ids: [${functions.map(({ id }) => `"${id}"`).join(", ")}]`;
  return [
    ...lacking.map((device) => ({
      path,
      problem: `the ids lack ${device.id}: ${device.address} ${bond(device, listed)}, so it goes to the guest as well`,
      remedy,
    })),
    ...(beyond.length > 0
      ? [
          {
            path,
            problem: `no function of the card at ${card.address} has the id ${beyond.join(", ")}; it has ${idList(functions)}`,
            remedy: `take it out, or give that device a card of its own; ${remedy}`,
          },
        ]
      : []),
  ];
};

/**
 * Members of the card's group that vfio-pci has only because an earlier description listed them: VFIO tolerates them
 * now, and at the next boot a driver of the host has them.
 */
const releasedMates = (
  facts: Facts,
  path: string,
  functions: readonly PciDevice[],
  handedOver: ReadonlySet<PciAddress>,
): Problem[] => {
  const bound = boundAddresses(facts);
  const groups = new Set(functions.flatMap(({ iommuGroup }) => iommuGroup ?? []));
  return facts.pci
    .filter(
      ({ address, driver, iommuGroup }) =>
        driver === "vfio-pci" &&
        bound.has(address) &&
        !handedOver.has(address) &&
        groups.has(iommuGroup ?? -1),
    )
    .map(({ address, id, iommuGroup }) => ({
      path,
      problem: `IOMMU group ${iommuGroup} also holds ${address} (${id}), which the stack no longer lists: a driver of the host would have it after the next boot`,
      remedy: "list it as a card again, or put the card into another slot",
    }));
};

/**
 * Why one card must not be handed over as it is described. Members of its group that the stack hands over too are no
 * strangers there.
 */
export const cardProblems = (
  facts: Facts,
  name: string,
  card: CardSpec,
  handedOver: readonly PciDevice[],
  headless: boolean,
): Problem[] => {
  const path = `cards.${name}`;
  const functions = functionsOf(facts, card);
  if (!functions.some((device) => device.address === card.address)) return [absent(facts, name, card)];
  const problems: Problem[] = idsProblems(facts, `${path}.ids`, card, functions);
  const subsystem = functions.find((device) => device.address === card.address)?.subsystem;
  if (card.subsystem !== undefined && subsystem !== card.subsystem)
    problems.push({
      path: `${path}.subsystem`,
      problem: `the card's subsystem is ${subsystem}, expected ${card.subsystem}`,
      remedy: "the slot holds a card of another maker: correct the address or the subsystem",
    });
  const ours = new Set(handedOver.map((device) => device.address));
  for (const { kind, address, problem, remedy } of cardFindings(facts, functions))
    if (!(kind === "boot-display" && headless) && !(kind === "foreign" && ours.has(address)))
      problems.push({ path, problem, remedy });
  return [...problems, ...releasedMates(facts, path, functions, ours)];
};

/** Two names for one card would bind and hand it over twice. */
export const repeatedCards = (facts: Facts, cards: Cards): Problem[] => {
  const names = new Map<PciAddress, string>();
  return Object.entries(cards).flatMap(([name, card]): Problem[] => {
    const { address } = card;
    const own = functionsOf(facts, card).map((device) => device.address);
    const all = own.length > 0 ? own : [address];
    const shared = [address, ...all].find((one) => names.has(one));
    if (shared === undefined) {
      for (const one of all) names.set(one, name);
      return [];
    }
    return [
      {
        path: `cards.${name}.address`,
        problem: `${shared === address ? address : `${shared}, a function of ${name},`} is the card that ${names.get(shared)} names already`,
        remedy: "name a card once; a domain can have it under that name",
      },
    ];
  });
};

/** Devices that binding by id would take although the stack leaves them to the host. */
export const idProblems = (facts: Facts, cards: Cards, functions: readonly PciDevice[]): Problem[] => {
  const own = new Set(functions.map((device) => device.address));
  const ids = new Set(functions.map((device) => device.id));
  return (
    facts.pci
      .filter((other) => ids.has(other.id) && !own.has(other.address))
      // a physical function that a guest has makes no virtual ones for the host
      .filter((other) => !own.has(physicalOf(facts, other)))
      .map((other) => ({
        path: "kernel.binding",
        problem: `binding by id takes ${other.address} (${other.id}) too, which is not among the cards ${Object.keys(cards).join(", ")}`,
        remedy: "use binding: address",
      }))
  );
};

/** Cards that only one guest can have together: VFIO gives a whole group away (Linux: driver-api/vfio.rst). */
export const sharedGroups = (facts: Facts, cards: Cards): string[] => {
  const groups = new Map<number, Set<string>>();
  for (const [name, card] of Object.entries(cards))
    for (const { iommuGroup } of functionsOf(facts, card))
      if (iommuGroup !== null) groups.set(iommuGroup, (groups.get(iommuGroup) ?? new Set()).add(name));
  return [...groups]
    .filter(([, names]) => names.size > 1)
    .map(
      ([group, names]) =>
        `the cards ${[...names].join(" and ")} share IOMMU group ${group}: they can only run in the same guest at a time`,
    );
};
