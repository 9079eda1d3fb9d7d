import { holderOf, listedCards } from "../../components/plan/domain/domain-cards.ts";
import type { Facts } from "../../components/facts/facts.ts";
import { functionsOf } from "../../components/facts/card.ts";
import { HostError } from "../../components/ssh/host-error.ts";
import { CommandError } from "../ground/command-error.ts";
import { shortAddress } from "../ground/format.ts";
import { formatTable, paintFor, printable, type Paint } from "../ground/terminal.ts";
import { askHost, fleetHosts, type FleetHost } from "./hosts.ts";

export interface ListOptions {
  readonly all?: true;
}

const HEAD = ["Host", "Card", "Address", "Has it", "Listed by"] as const;

/** The cards of one host, a row each. */
export const cardRows = ({ name, spec }: FleetHost, facts: Facts, paint: Paint): string[][] =>
  Object.entries(spec.cards).map(([card, found]) => {
    const holder = holderOf(facts, found);
    const driver = functionsOf(facts, found)[0]?.driver;
    const idle = driver === "vfio-pci" || driver === undefined || driver === null;
    const listedBy = Object.entries(spec.domains).flatMap(([domain, { gpus }]) =>
      Array.isArray(gpus)
        ? gpus.includes(card)
          ? [domain]
          : []
        : [`${domain} (${listedCards(facts, domain).includes(card) ? "chosen" : "any"})`],
    );
    return [
      printable(name),
      printable(card),
      shortAddress(found.address),
      holder === undefined
        ? idle
          ? paint("green", "free")
          : `the host (${printable(driver)})`
        : paint("bold", printable(holder)),
      printable(listedBy.join(", ")),
    ];
  });

/** `vfio-fleet gpu list`: the exit status. Throws a CommandError when it is not clear which hosts are meant. */
export const listCards = async (stack: string | undefined, { all }: ListOptions): Promise<number> => {
  if ((stack === undefined) === (all === undefined))
    throw new CommandError("name a stack, or --all, not both");
  const hosts = (await fleetHosts(stack)).filter(({ spec }) => Object.keys(spec.cards).length > 0);
  const paint = paintFor(process.stdout);
  const answers = await Promise.all(
    hosts.map(async (host) => {
      try {
        return { rows: cardRows(host, await askHost(host), paint) };
      } catch (error) {
        if (error instanceof HostError || error instanceof CommandError) return { failure: error.message };
        throw error;
      }
    }),
  );
  const rows = answers.flatMap((answer) => answer.rows ?? []);
  const failures = answers.flatMap((answer) => answer.failure ?? []);
  if (rows.length > 0) console.log(formatTable(HEAD, rows, paint));
  else if (failures.length === 0) console.log("no host of the stack has a card");
  for (const message of failures) console.error(`vfio-fleet: ${message}`);
  return failures.length > 0 ? 2 : 0;
};
