import { domainView } from "./domain-view.ts";
import { readExistingDomain } from "./document/existing.ts";
import type { DomainSpec } from "./spec/schema.ts";
import type { Facts } from "../../facts/facts.ts";
import { functionsOf } from "../../facts/card.ts";
import type { CardSpec } from "../kernel/kernel-spec.ts";
import type { PciAddress } from "../../facts/pci.ts";

type Cards = Readonly<Record<string, CardSpec>>;
type Domains = Readonly<Record<string, DomainSpec>>;

/** The host functions in every running domain's definition, by the domain's name. */
export const heldFunctions = (facts: Facts): ReadonlyMap<string, readonly PciAddress[]> =>
  new Map(
    facts.libvirt.domains.flatMap((domain) => {
      if (!domain.running) return [];
      const view = domainView(domain);
      return [[domain.name, view?.hostdevs.map(({ address }) => address) ?? []] as const];
    }),
  );

/** The running domain that has a card. */
export const holderOf = (facts: Facts, card: CardSpec): string | undefined => {
  const own = new Set(functionsOf(facts, card).map(({ address }) => address));
  return [...heldFunctions(facts)].find(([, functions]) =>
    functions.some((address) => own.has(address)),
  )?.[0];
};

/** The cards that a domain's definition lists by their names, as this project wrote them there. */
export const listedCards = (facts: Facts, domain: string): readonly string[] => {
  const xml = facts.libvirt.domains.find(({ name }) => name === domain)?.xml;
  const read = xml === undefined ? undefined : readExistingDomain(xml);
  return read?.ok ? (read.value.owner?.cards.map(({ name }) => name) ?? []) : [];
};

const isToRun = ({ state, autostart }: DomainSpec): boolean => state === "running" || autostart;

/**
 * Chooses cards for the domains that take any. A domain keeps those that its definition lists, so that two previews
 * say the same; further ones come from what nobody has or is to run with, and for a domain that nothing starts by itself
 * from all the others too, in the stack's order.
 * @returns the names by domain, fewer than asked for where there are not enough
 */
export const assignCards = (
  cards: Cards,
  domains: Domains,
  facts: Facts,
): Readonly<Record<string, readonly string[]>> => {
  const taken = new Set(
    Object.values(domains).flatMap((domain) =>
      isToRun(domain) && Array.isArray(domain.gpus) ? domain.gpus : [],
    ),
  );
  const mentioned = new Set(
    Object.values(domains).flatMap((domain) => (Array.isArray(domain.gpus) ? domain.gpus : [])),
  );
  const holders = new Map(Object.entries(cards).map(([name, card]) => [name, holderOf(facts, card)]));
  const takers = Object.entries(domains).filter(([, domain]) => !Array.isArray(domain.gpus));
  const kept = new Map(
    takers.map(([name, domain]) => [
      name,
      listedCards(facts, name)
        .filter((card) => Object.hasOwn(cards, card))
        .slice(0, Array.isArray(domain.gpus) ? 0 : domain.gpus.any),
    ]),
  );
  // what somebody keeps is nobody else's first choice
  for (const [name, domain] of takers)
    if (isToRun(domain)) for (const card of kept.get(name) ?? []) taken.add(card);
  const known = new Set([...kept.values()].flat());
  const assigned = takers.map(([name, domain]) => {
    const count = Array.isArray(domain.gpus) ? 0 : domain.gpus.any;
    const own = kept.get(name) ?? [];
    const others = Object.keys(cards).filter((card) => !own.includes(card));
    const free = others.filter((card) => !taken.has(card) && [undefined, name].includes(holders.get(card)));
    const choices = [
      ...free.filter((card) => !known.has(card) && !mentioned.has(card)),
      ...free.filter((card) => known.has(card) || mentioned.has(card)),
      ...(isToRun(domain) ? [] : others.filter((card) => !free.includes(card))),
    ];
    const chosen = [...own, ...choices].slice(0, count);
    for (const card of chosen) {
      known.add(card);
      if (isToRun(domain)) taken.add(card);
    }
    return [name, chosen] as const;
  });
  return Object.fromEntries(assigned);
};
