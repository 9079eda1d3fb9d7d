import { cardReports, type CardReport } from "../../components/plan/cards/card-report.ts";
import type { Facts } from "../../components/facts/facts.ts";
import { deviceName, type PciNames } from "../../components/facts/pci-ids.ts";
import { shortAddress } from "../ground/format.ts";
import { COLUMNS, formatColumns, formatLabelled, type Paint, printable } from "../ground/terminal.ts";
import type { WatchState } from "./state.ts";

const HEAD = ["Host", "Card", "Address", "Driver", "Power", "°C", "Held by"] as const;

const celsius = (facts: Facts, card: CardReport): string => {
  const found = facts.survey?.temperatures?.filter(({ address }) =>
    card.functions.some((device) => device.address === address),
  );
  return found && found.length > 0 ? String(Math.max(...found.map((one) => one.celsius))) : "-";
};

const row = (name: string, facts: Facts, card: CardReport, names: PciNames): string[] => {
  const display = card.functions.find((device) => device.address === card.address);
  const holders = card.users.filter((user) => user.running).map((user) => user.name);
  return [
    name,
    deviceName(names, display?.id ?? ""),
    shortAddress(card.address),
    [...new Set(card.functions.map((device) => device.driver ?? "-"))].join(" "),
    display?.powerState ?? "?",
    celsius(facts, card),
    holders.join(", ") || "-",
  ].map(printable);
};

/** Number of log entries that are shown if there is room. */
const LOG_ENTRIES = 12;

/** The first lines of a table that has to fit, and a note about the lines left out. */
const cutTable = (lines: readonly string[], room: number, paint: Paint): readonly string[] =>
  lines.length <= room
    ? lines
    : [
        ...lines.slice(0, room - 1),
        paint("dim", `… ${lines.length - room + 1} more; a larger window shows them`),
      ];

/**
 * The text of one drawing: cards, hosts without an answer, and the last lines of the kernel logs. If not everything
 * fits, the end of the log stays, because it is the newest.
 * @param options.rows lines of the terminal; without it nothing is left out
 */
export const renderWatch = (
  { hosts, log }: WatchState,
  options: {
    readonly names: PciNames;
    readonly paint: Paint;
    readonly rows?: number;
    readonly columns?: number;
  },
): string => {
  const { names, paint, rows: height = Number.POSITIVE_INFINITY } = options;
  const columns = Math.min(COLUMNS, options.columns ?? COLUMNS);
  const rows = hosts.flatMap(({ name, facts, failure }) => {
    if (!facts)
      return [[name, failure === undefined ? "probing …" : paint("red", "no answer"), "", "", "", "", ""]];
    const cards = cardReports(facts).map((card) => row(name, facts, card, names));
    const shown = cards.length > 0 ? cards : [[name, "no display device", "", "", "", "", ""]];
    // The last facts of a silent host are dimmed.
    return failure === undefined ? shown : shown.map((cells) => cells.map((cell) => paint("dim", cell)));
  });
  const failures = hosts.flatMap(({ name, failure }) =>
    failure === undefined
      ? []
      : formatLabelled(
          `${paint("red", `${name}:`)} `,
          printable(failure.replace(/\s+/g, " ")),
          columns,
        ).split("\n"),
  );
  const said = log.slice(-LOG_ENTRIES).flatMap(({ host, line, old }) =>
    formatLabelled(`${host} `, printable(line), columns)
      .split("\n")
      .map((text) => paint(old ? "dim" : "yellow", text)),
  );
  const news = [
    ...failures.slice(0, Math.max(1, Math.floor(height / 4))),
    "",
    paint("bold", "Kernel log: AER, VFIO, IOMMU faults and the like"),
    ...(said.length > 0 ? said.slice(-Math.max(2, Math.floor(height / 3))) : [paint("dim", "nothing yet")]),
  ];
  const table = formatColumns(HEAD, rows, paint, columns).split("\n");
  return [...cutTable(table, Math.max(3, height - news.length), paint), ...news].join("\n");
};
