import { holderOf, listedCards } from "./domain-cards.ts";
import { definitionWith, type DomainsSpec } from "./domain-plan.ts";
import type { DistroDriver } from "../driver.ts";
import type { Facts } from "../../facts/facts.ts";
import { functionsOf } from "../../facts/card.ts";
import type { PciAddress } from "../../facts/pci.ts";
import type { Checked, Problem } from "../../facts/problem.ts";

/** One card to one domain; `any`: a free one, whichever it is. */
export interface HandOverRequest {
  readonly domain: string;
  readonly card: { readonly kind: "named"; readonly name: string } | { readonly kind: "any" };
}

/** What the host is asked to do. */
export interface HandOver {
  /** the cards' names */
  readonly cards: readonly string[];
  readonly functions: readonly PciAddress[];
  /** the definition that the domain needs for it; undefined: it lists the cards already */
  readonly definition: string | undefined;
}

const refuse = (
  domain: string,
  problem: string,
  remedy: string,
): { ok: false; problems: readonly Problem[] } => ({
  ok: false,
  problems: [{ path: `domains.${domain}`, problem, remedy }],
});

/** Cards that no running domain has, but for this one. */
const freeCards = (spec: DomainsSpec, facts: Facts, domain: string): string[] =>
  Object.entries(spec.cards).flatMap(([name, card]) =>
    [undefined, domain].includes(holderOf(facts, card)) ? [name] : [],
  );

/** What a domain that takes any N cards is to list so that this one is among them: those it has, as far as they fit. */
const chosenWith = (card: string, listed: readonly string[], count: number): string[] =>
  listed.includes(card) ? [...listed] : [card, ...listed.slice(0, count - 1)].slice(0, count);

const namedCard = (
  { domain, card }: HandOverRequest,
  spec: DomainsSpec,
  facts: Facts,
): Checked<readonly string[]> => {
  const gpus = spec.domains[domain]?.gpus ?? [];
  const listed = Array.isArray(gpus) ? gpus : listedCards(facts, domain);
  const free = freeCards(spec, facts, domain);
  if (card.kind === "any") {
    if (Array.isArray(gpus)) {
      // its own cards are the only ones that will do
      if (listed.length === 0)
        return refuse(domain, `${domain} lists no card`, "list cards under its gpus, or gpus: {any: 1}");
      const taken = listed.filter((name) => !free.includes(name));
      return taken.length === 0
        ? { ok: true, value: listed }
        : refuse(
            domain,
            `another domain runs with ${taken.join(", ")}, and ${domain} takes no other card`,
            `release ${taken.length === 1 ? "it" : "them"}, or take over: vfio-fleet gpu switch ${taken[0]} --to ${domain}`,
          );
    }
    const kept = listed.filter((name) => free.includes(name));
    const further = free.filter((name) => !kept.includes(name));
    const chosen = [...kept, ...further].slice(0, gpus.any);
    return chosen.length === gpus.any
      ? { ok: true, value: chosen }
      : refuse(
          domain,
          `${gpus.any} free ${gpus.any === 1 ? "card is" : "cards are"} wanted, the host has ${free.join(", ") || "none"}`,
          "release one, or name the card to take it over with: vfio-fleet gpu switch CARD",
        );
  }
  if (!Object.hasOwn(spec.cards, card.name))
    return refuse(
      domain,
      `there is no card ${card.name} on its host; there are ${Object.keys(spec.cards).join(", ") || "none"}`,
      "name one of them",
    );
  if (Array.isArray(gpus) && !gpus.includes(card.name))
    return refuse(
      domain,
      `${domain} does not list card ${card.name}: its gpus are ${gpus.join(", ") || "none"}`,
      `add ${card.name} to them and run up, or let it take any: gpus: {any: 1}`,
    );
  return { ok: true, value: [card.name] };
};

/** Plans how a domain comes to run with a card: nothing is asked of a host that cannot do it. */
export const planHandOver = (
  request: HandOverRequest,
  spec: DomainsSpec,
  facts: Facts,
  distro: DistroDriver,
  where: { readonly stack: string; readonly host: string },
): Checked<HandOver> => {
  const { domain } = request;
  if (!facts.libvirt.domains.some(({ name }) => name === domain))
    return refuse(domain, `the host has no domain ${domain} yet`, "pulumi up makes it");
  const named = namedCard(request, spec, facts);
  if (!named.ok) return named;
  const functions = named.value.flatMap((name) => {
    const card = spec.cards[name];
    return card ? functionsOf(facts, card).map(({ address }) => address) : [];
  });
  const over = { cards: named.value, functions };
  const gpus = spec.domains[domain]?.gpus ?? [];
  const listed = listedCards(facts, domain);
  if (Array.isArray(gpus) || named.value.every((name) => listed.includes(name)))
    return { ok: true, value: { ...over, definition: undefined } };
  const [first = "", ...rest] = named.value;
  const chosen = rest.length > 0 ? named.value : chosenWith(first, listed, gpus.any);
  const definition = definitionWith(domain, chosen, spec, facts, distro, where);
  return definition.ok ? { ok: true, value: { ...over, definition: definition.value } } : definition;
};
