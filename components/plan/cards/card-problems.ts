import { cardFindings } from "./card-findings.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import { functionsOf } from "../../facts/iommu.ts";
import type { CardSpec } from "../kernel/kernel-spec.ts";
import { isDisplay, slotOf } from "../../facts/pci.ts";
import type { Problem } from "../../facts/problem.ts";
import { isVirtual } from "./virtual-functions.ts";

type Cards = Readonly<Record<string, CardSpec>>;

/** All functions of all cards of a stack: what is handed to guests. */
export const stackFunctions = (facts: Facts, cards: Cards): PciDevice[] =>
  Object.values(cards).flatMap((card) => functionsOf(facts, card.address));

/** The cards that vfio-pci has from boot on. */
export const boundCards = (cards: Cards): Cards =>
  Object.fromEntries(Object.entries(cards).filter(([, { idle }]) => idle !== "host"));

const absent = (facts: Facts, name: string, card: CardSpec): Problem => {
  const candidates = facts.pci.filter(isDisplay).map((device) => `${device.address} ${device.id}`);
  const twins = facts.pci.filter((device) => device.id === card.ids[0]).map((device) => device.address);
  return {
    path: `cards.${name}.address`,
    problem: `the host has no PCI device at ${card.address}`,
    remedy:
      twins.length > 0
        ? `a device ${card.ids[0]} is at ${twins.join(", ")}`
        : `display devices there: ${candidates.join(", ") || "none"}`,
  };
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
  const functions = functionsOf(facts, card.address);
  if (!functions.some((device) => device.address === card.address)) return [absent(facts, name, card)];
  const problems: Problem[] = [];
  const found = functions.map((device) => device.id);
  if (found.join(" ") !== card.ids.join(" "))
    problems.push({
      path: `${path}.ids`,
      problem: `the functions at ${isVirtual(facts, card.address) ? card.address : slotOf(card.address)} are ${found.join(", ")}, expected ${card.ids.join(", ")}`,
      remedy: "the slot holds another card: correct the address or the ids (all functions, in order)",
    });
  const subsystem = functions[0]?.subsystem;
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
  return problems;
};

/** Two names for one card would bind and hand it over twice. */
export const repeatedCards = (facts: Facts, cards: Cards): Problem[] => {
  const names = new Map<string, string>();
  return Object.entries(cards).flatMap(([name, { address }]): Problem[] => {
    const key = isVirtual(facts, address) ? address : slotOf(address);
    const first = names.get(key);
    if (first === undefined) {
      names.set(key, name);
      return [];
    }
    return [
      {
        path: `cards.${name}.address`,
        problem: `${address} is the card that ${first} names already`,
        remedy: "name a card once; a domain can have it under that name",
      },
    ];
  });
};

/** Devices that binding by id would take although the stack leaves them to the host. */
export const idProblems = (facts: Facts, cards: Cards, functions: readonly PciDevice[]): Problem[] => {
  const own = new Set(functions.map((device) => device.address));
  const ids = new Set(functions.map((device) => device.id));
  return facts.pci
    .filter((other) => ids.has(other.id) && !own.has(other.address))
    .map((other) => ({
      path: "kernel.binding",
      problem: `binding by id takes ${other.address} (${other.id}) too, which is not among the cards ${Object.keys(cards).join(", ")}`,
      remedy: "use binding: address",
    }));
};

/** Cards that only one guest can have together: VFIO gives a whole group away (Linux: driver-api/vfio.rst). */
export const sharedGroups = (facts: Facts, cards: Cards): string[] => {
  const groups = new Map<number, Set<string>>();
  for (const [name, card] of Object.entries(cards))
    for (const { iommuGroup } of functionsOf(facts, card.address))
      if (iommuGroup !== null) groups.set(iommuGroup, (groups.get(iommuGroup) ?? new Set()).add(name));
  return [...groups]
    .filter(([, names]) => names.size > 1)
    .map(
      ([group, names]) =>
        `the cards ${[...names].join(" and ")} share IOMMU group ${group}: they can only run in the same guest at a time`,
    );
};
