import { cardReports } from "../../../components/plan/cards/card-report.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import { deviceName, type PciNames } from "../../../components/facts/pci-ids.ts";
import type { CardDocument, FactsDocument } from "./document.ts";
import { Mask, redact } from "./mask.ts";

/** A host's facts under the name it goes by. */
export interface NamedFacts {
  readonly name: string;
  readonly facts: Facts;
}

const said = ({
  kind,
  problem,
  remedy,
}: CardDocument["reasons"][number]): CardDocument["reasons"][number] => ({
  kind,
  problem,
  remedy,
});

const cards = (facts: Facts, names: PciNames): CardDocument[] =>
  cardReports(facts).map(({ address, functions, verdict, reasons, notes, users }) => ({
    address,
    name: deviceName(names, functions.find((device) => device.address === address)?.id ?? ""),
    functions: functions.map((device) => device.address),
    verdict,
    reasons: reasons.map(said),
    notes: notes.map(said),
    users: [...users],
  }));

/** The document that is printed or saved; passwords never enter it, identities only when `masked` is false. */
export const makeDocument = (
  hosts: readonly NamedFacts[],
  options: { readonly takenAt: string; readonly masked: boolean; readonly names: PciNames },
): FactsDocument => {
  const { takenAt, masked, names } = options;
  const mask = new Mask();
  return {
    format: "vfio-fleet-facts/2",
    takenAt,
    masked,
    hosts: hosts.map(({ name, facts }) => {
      const safe = redact(facts);
      const shown = masked ? mask.facts(safe) : safe;
      // a name in a stack is chosen by its author, and may well be the host's own
      return { name: masked ? shown.hostname : name, facts: shown, cards: cards(shown, names) };
    }),
  };
};
