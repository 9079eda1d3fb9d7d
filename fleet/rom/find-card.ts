import { formatProblems } from "../../components/facts/problem.ts";
import { parsePciAddress, type PciAddress, type PciId } from "../../components/facts/pci.ts";
import type { Connection } from "../../components/ssh/connection.ts";
import { CommandError } from "../ground/command-error.ts";
import type { Target } from "../targets/target.ts";
import { printable } from "../ground/terminal.ts";

/** One card of one host that can be probed. */
export interface FoundCard {
  readonly host: string;
  readonly connection: Connection;
  readonly address: PciAddress;
  /** The id in the stack file. */
  readonly id?: PciId;
}

type Place = Omit<FoundCard, "connection" | "host"> & { readonly target: Target };

const placesOf = (targets: readonly Target[], text: string): Place[] => {
  const address = parsePciAddress(text);
  return targets.flatMap((target): Place[] => {
    if (address) return [{ target, address }];
    return Object.entries(target.spec?.cards ?? {}).flatMap(([name, card]) =>
      name === text || `${target.name}/${name}` === text
        ? [{ target, address: card.address, ...(card.ids[0] && { id: card.ids[0] }) }]
        : [],
    );
  });
};

/**
 * Finds a card by its name in a stack, by HOST/NAME, or by its PCI address. Throws a CommandError for none or
 * several.
 */
export const findCard = (targets: readonly Target[], text: string): FoundCard => {
  const places = placesOf(targets, text);
  const [place, ...others] = places;
  if (!place) {
    const known = targets.flatMap(({ name, spec }) =>
      Object.keys(spec?.cards ?? {}).map((card) => (targets.length > 1 ? `${name}/${card}` : card)),
    );
    throw new CommandError(
      known.length > 0
        ? `there is no card "${printable(text)}"; the cards are ${known.join(", ")}. A PCI address such as 01:00.0 works as well`
        : `"${printable(text)}" is not a PCI address such as 01:00.0, and no stack names the host's cards`,
    );
  }
  if (others.length > 0)
    throw new CommandError(
      `"${printable(text)}" is on several hosts: ${places.map(({ target }) => target.name).join(", ")}. ` +
        (place.id === undefined ? "Name the SSH target of one host" : `Write HOST/${printable(text)}`),
    );
  const { target, ...card } = place;
  if (!target.connection.ok) throw new CommandError(formatProblems(target.name, target.connection.problems));
  return { host: target.name, connection: target.connection.value, ...card };
};
