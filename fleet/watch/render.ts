import { cardReports, type CardReport } from "../../components/core/card-report.ts";
import type { Facts } from "../../components/core/facts.ts";
import { deviceName, type PciNames } from "../../components/core/pci-ids.ts";
import { shortAddress } from "../format.ts";
import { formatLabelled, formatTable, type Paint, printable } from "../terminal.ts";
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

/** What is drawn anew with each answer: the cards, hosts that do not answer, and the last lines of the kernels' logs. */
export const renderWatch = (
  { hosts, log }: WatchState,
  options: { readonly names: PciNames; readonly paint: Paint; readonly lines: number },
): string => {
  const { names, paint, lines } = options;
  const rows = hosts.flatMap(({ name, facts, failure }) => {
    if (!facts)
      return [[name, failure === undefined ? "asking …" : paint("red", "no answer"), "", "", "", "", ""]];
    const cards = cardReports(facts).map((card) => row(name, facts, card, names));
    const shown = cards.length > 0 ? cards : [[name, "no display device", "", "", "", "", ""]];
    // what a silent host said last is no news
    return failure === undefined ? shown : shown.map((cells) => cells.map((cell) => paint("dim", cell)));
  });
  const failures = hosts.flatMap(({ name, failure }) =>
    failure === undefined
      ? []
      : [formatLabelled(`${paint("red", `${name}:`)} `, printable(failure.replace(/\s+/g, " ")))],
  );
  const shown = log.slice(-lines).map(({ host, line, old }) => {
    const text = formatLabelled(`${host} `, printable(line));
    return old ? paint("dim", text) : paint("yellow", text);
  });
  return [
    formatTable(HEAD, rows, paint),
    ...failures,
    "",
    paint("bold", "Kernel: AER, VFIO, IOMMU faults and their like"),
    ...(shown.length > 0 ? shown : [paint("dim", "nothing yet")]),
  ].join("\n");
};
