import { cardReports } from "../../components/plan/cards/card-report.ts";
import type { Facts } from "../../components/facts/facts.ts";
import type { PciNames } from "../../components/facts/pci-ids.ts";
import { counted } from "../ground/format.ts";
import { formatLabelled, type Paint, printable } from "../ground/terminal.ts";
import { cardDetails, cardTable } from "./card-lines.ts";
import { domainTable } from "./domain-lines.ts";
import { groupLines } from "./group-lines.ts";
import { hostLines } from "./host-lines.ts";
import { moduleLines } from "./module-lines.ts";
import { unknowns } from "./unknowns.ts";

export interface RenderOptions {
  /** Show every module and parameter, not only those that matter for passthrough. */
  readonly all: boolean;
  readonly names: PciNames;
  readonly paint: Paint;
}

/** One host as text, at most 100 columns wide. */
export const renderHost = (name: string, facts: Facts, { all, names, paint }: RenderOptions): string => {
  const cards = cardReports(facts);
  const title = (text: string): string => `\n${paint("bold", text)}`;
  const blind = unknowns(facts);
  const guests = facts.libvirt.domains.length + (facts.survey?.proxmox?.length ?? 0);
  return [
    paint("bold", printable(name === facts.hostname ? name : `${name} (${facts.hostname})`)),
    ...hostLines(facts).map(([label, ...lines]) =>
      lines
        .map((line, index) =>
          formatLabelled(`${paint("dim", (index === 0 ? label : "").padEnd(10))} `, printable(line)),
        )
        .join("\n"),
    ),
    title(counted(cards.length, "card")),
    ...(cards.length > 0
      ? [cardTable(cards, names, paint), ...cards.map((card) => cardDetails(facts, card, names, paint))]
      : ["no display device"]),
    title(`IOMMU groups: ${facts.iommu.groups}`),
    groupLines(facts, names, paint),
    title(all ? "Modules" : "Modules that matter for passthrough (--all shows the others)"),
    moduleLines(facts, all, paint),
    ...(guests > 0 ? [title(counted(guests, "domain")), domainTable(facts, paint)] : []),
    ...(blind.length > 0
      ? [
          "",
          formatLabelled(
            `${paint("yellow", "Not known:")} `,
            `${blind.join("; ")}. Log in as root, or as a user with sudo.`,
          ),
        ]
      : []),
  ].join("\n");
};
