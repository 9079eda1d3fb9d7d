import type { CardReport, CardVerdict } from "../../components/plan/cards/card-report.ts";
import type { Facts, PciDevice } from "../../components/facts/facts.ts";
import { deviceName, type PciNames } from "../../components/facts/pci-ids.ts";
import { formatBytes, shortAddress } from "../ground/format.ts";
import { formatLabelled, formatTable, type Paint, printable, type Style } from "../ground/terminal.ts";

const HEAD = ["Address", "Card", "Id", "Driver", "Group", "Node", "Passthrough", "Used by"] as const;

const WORDS = {
  ready: ["green", "ready"],
  possible: ["green", "possible"],
  headless: ["yellow", "if headless"],
  unknown: ["yellow", "not known yet"],
  no: ["red", "no"],
} as const satisfies Record<CardVerdict, readonly [Style, string]>;

/** A verdict in one or two words. */
export const verdictWords = (verdict: CardVerdict): string => WORDS[verdict][1];

const users = (card: CardReport): string =>
  card.users.map(({ name, running }) => (running ? name : `(${name})`)).join(", ");

const unique = (values: readonly string[]): string => [...new Set(values)].join(" ");

/** A table with one row a card; `cardDetails` lists the card's functions. */
export const cardTable = (cards: readonly CardReport[], names: PciNames, paint: Paint): string =>
  formatTable(
    HEAD,
    cards.map((card) => {
      const display = displayOf(card);
      const cells = [
        shortAddress(card.address),
        deviceName(names, display?.id ?? ""),
        display?.id ?? "",
        unique(card.functions.map((device) => device.driver ?? "-")),
        unique(card.functions.map((device) => String(device.iommuGroup ?? "-"))),
        display && display.numaNode >= 0 ? String(display.numaNode) : "-",
      ].map(printable);
      return [...cells, paint(WORDS[card.verdict][0], WORDS[card.verdict][1]), printable(users(card))];
    }),
    paint,
  );

const displayOf = (card: CardReport): PciDevice | undefined =>
  card.functions.find((device) => device.address === card.address);

const bars = (facts: Facts, device: PciDevice): string => {
  const resizable = facts.survey?.resizableBars.filter(({ address }) => address === device.address) ?? [];
  return (device.bars ?? [])
    .map(({ index, bytes }) => {
      const sizes = resizable.find((bar) => bar.index === index)?.bytes ?? [];
      const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
      return `${formatBytes(bytes)}${sizes.length > 1 ? ` (Resizable BAR: ${formatBytes(least)} to ${formatBytes(most)})` : ""}`;
    })
    .join(", ");
};

interface Reason {
  readonly problem: string;
  readonly remedy: string;
}

/** Problems grouped by remedy: the remedy is printed once a group. */
const reasonLines = (style: Style, reasons: readonly Reason[], paint: Paint): string[] =>
  reasons.flatMap(({ problem, remedy }, index) => [
    formatLabelled(`    ${paint(style, "•")} `, printable(problem)),
    ...(reasons[index + 1]?.remedy === remedy ? [] : [formatLabelled("      → ", printable(remedy))]),
  ]);

/**
 * Details that do not fit into the table: functions, resets, ROM, BARs, power, and why a card cannot be handed over.
 */
export const cardDetails = (facts: Facts, card: CardReport, names: PciNames, paint: Paint): string => {
  const display = displayOf(card);
  const resets = card.functions.map((device) =>
    device.resetMethods === undefined ? "unknown" : device.resetMethods.join(" ") || "none",
  );
  const line = (label: string, text: string): string =>
    formatLabelled(`    ${label.padEnd(10)} `, printable(text));
  const others = card.functions
    .filter((device) => device !== display)
    .map((device, index) =>
      line(
        index === 0 ? "With" : "",
        `${shortAddress(device.address)} ${device.id} ${device.driver ?? "-"} ${deviceName(names, device.id)}`,
      ),
    );
  return [
    paint(
      "bold",
      printable(`  ${shortAddress(card.address)} ${deviceName(names, display?.id ?? "")}`) +
        (display?.bootVga ? " (boot display)" : ""),
    ),
    ...others,
    line("Subsystem", display?.subsystem ?? "unknown"),
    line("Resets", [...new Set(resets)].join(" / ")),
    line("ROM", display?.hasRom ? "there" : "none"),
    ...(display?.bars ? [line("BARs", bars(facts, display))] : []),
    ...(display?.powerState !== undefined ? [line("Power", display.powerState)] : []),
    ...reasonLines(card.verdict === "no" ? "red" : "yellow", card.reasons, paint),
    ...reasonLines("yellow", card.notes, paint),
  ].join("\n");
};
