import { cardReports } from "../../../components/plan/cards/card-report.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import { deviceName, type PciNames } from "../../../components/facts/pci-ids.ts";
import type { CardDocument, FactsDocument } from "./document.ts";
import { Mask, redact } from "./mask.ts";

/** A host's facts with the name to show. */
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

/** The document to print or save. Passwords never enter it; identities enter it only if `masked` is false. */
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
      // The author of a stack chooses the name, which may be the host's real name.
      return { name: masked ? shown.hostname : name, facts: shown, cards: cards(shown, names) };
    }),
  };
};
