import type { DomainContext, HostCard } from "./context.ts";
import { guestRoom } from "./guest-pci.ts";
import { listed, type Report } from "./report.ts";
import type { ResolvedCard } from "./resolved.ts";
import type { DomainSpec } from "../spec/schema.ts";
import type { MachineFamily } from "../spec/settings.ts";

export interface NamedCard {
  readonly name: string;
  readonly card: HostCard;
}

/** The cards a domain is to list now: those it names, or those chosen for it. */
export const cardsOf = (spec: DomainSpec, context: DomainContext, report: Report): NamedCard[] => {
  const assigned = context.assigned ?? [];
  const names = Array.isArray(spec.gpus) ? spec.gpus : assigned;
  if (!Array.isArray(spec.gpus) && assigned.length !== spec.gpus.any)
    report.add(
      "gpus.any",
      `${spec.gpus.any} cards are wanted, ${assigned.length} could be had (${listed(assigned)})`,
      `free a card, or lower any; the host's cards are: ${listed(Object.keys(context.cards))}`,
    );
  return names.flatMap((name) => {
    const card = Object.hasOwn(context.cards, name) ? context.cards[name] : undefined;
    if (!card)
      report.add(
        "gpus",
        `there is no card "${name}"; known: ${listed(Object.keys(context.cards))}`,
        "name one of them",
      );
    else if (card.functions.length === 0)
      report.add(
        "gpus",
        `card "${name}" has no function on the host`,
        "correct the card's address: lspci -Dnn",
      );
    return card && card.functions.length > 0 ? [{ name, card }] : [];
  });
};

/**
 * Function numbers in the guest: the host's own when function 0 is there, otherwise from 0 upwards. So are those of a
 * board with a switch, whose functions have numbers of several slots.
 */
const functionsOf = (card: HostCard): ResolvedCard["functions"] => {
  const sorted = [...card.functions].sort((a, b) => (a.address < b.address ? -1 : 1));
  const numberOf = (address: string): number => Number(address.slice(-1));
  const numbers = sorted.map(({ address }) => numberOf(address));
  const keep = numbers.includes(0) && new Set(numbers).size === numbers.length;
  const display = sorted.find((one) => one.display) ?? sorted[0];
  return sorted.map((one, index) => ({
    address: one.address,
    guestFunction: keep ? numberOf(one.address) : index,
    // the video BIOS belongs to the display function
    rom: one === display ? card.rom : { kind: "card" },
  }));
};

/** A card keeps the place it had in the guest; a new one takes the lowest that is free. */
const placesOf = (
  cards: readonly NamedCard[],
  context: DomainContext,
  family: MachineFamily,
): Map<string, number> => {
  const room = guestRoom[family].card;
  const places = new Map<string, number>();
  for (const { name, place } of context.existing?.owner?.cards ?? []) {
    const usable =
      Number.isInteger(place) && place >= 0 && place < room && ![...places.values()].includes(place);
    if (usable && cards.some((card) => card.name === name)) places.set(name, place);
  }
  for (const { name } of cards) {
    if (places.has(name)) continue;
    const taken = new Set(places.values());
    places.set(
      name,
      Array.from({ length: room }, (_, place) => place).find((place) => !taken.has(place)) ?? room,
    );
  }
  return places;
};

export const resolveCards = (
  spec: DomainSpec,
  cards: readonly NamedCard[],
  family: MachineFamily,
  context: DomainContext,
): ResolvedCard[] => {
  const places = placesOf(cards, context, family);
  return cards
    .map(({ name, card }) => ({
      name,
      place: places.get(name) ?? 0,
      managed: spec.managed ?? !card.boundAtBoot,
      functions: functionsOf(card),
    }))
    .sort((a, b) => a.place - b.place);
};
