import cliTruncate from "cli-truncate";
import stringWidth from "string-width";
import { formatColumns, printable, type Paint, type Style } from "../ground/terminal.ts";
import { counted } from "../ground/format.ts";
import type { FleetEvent, FleetState, HostResult, Row } from "./state.ts";

const STYLES = {
  clean: "green",
  changed: "green",
  destroyed: "green",
  changes: "yellow",
  failed: "red",
  left: "dim",
} as const satisfies Record<HostResult, Style>;

const RESULTS = {
  clean: "clean",
  changed: "changed",
  destroyed: "destroyed",
  changes: "would change",
  failed: "failed",
  left: "not begun",
} as const satisfies Record<HostResult, string>;

/** `9.4 s`, `2:05`, `1:02:05`. */
export const formatElapsed = (milliseconds: number): string => {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  const rest = `${Math.floor(whole / 60) % 60}:${two(whole % 60)}`;
  return whole < 3600 ? rest : `${Math.floor(whole / 3600)}:${rest.padStart(5, "0")}`;
};

const oneLine = (text: string): string => printable(text.replaceAll(/\s*\n\s*/g, " · "));

/** The shortest unique name of a host: its own, with the stack's name in front where the two differ. */
export const hostName = ({ stack, host }: { readonly stack: string; readonly host: string }): string =>
  stack === host ? host : `${stack}/${host}`;

const isRunning = (row: Row): boolean => row.since !== undefined && row.result === undefined;

/** Order of importance when not every row fits. */
const urgency = (row: Row): number => {
  if (row.result === "failed") return 0;
  if (isRunning(row)) return 1;
  if (row.result === "changes") return 2;
  return row.result === undefined ? 4 : 3;
};

/** The rows that fit, in the table's order, and the number of rows left out. */
const fitting = (rows: readonly Row[], room: number): { shown: readonly Row[]; hidden: number } => {
  if (rows.length <= room) return { shown: rows, hidden: 0 };
  const keep = new Set(rows.toSorted((a, b) => urgency(a) - urgency(b)).slice(0, Math.max(0, room - 1)));
  const shown = rows.filter((row) => keep.has(row));
  return { shown, hidden: rows.length - shown.length };
};

const cells = (row: Row, now: number, waves: number, paint: Paint): string[] => {
  const elapsed = row.since === undefined ? "" : formatElapsed((row.until ?? now) - row.since);
  const result =
    row.result === undefined
      ? paint("dim", isRunning(row) ? "at work" : "waiting")
      : paint(STYLES[row.result], RESULTS[row.result]);
  return [
    printable(hostName(row)),
    ...(waves > 1 ? [String(row.wave ?? "")] : []),
    oneLine(row.result === undefined ? row.step : (row.message.split("\n", 1)[0] ?? "")),
    elapsed,
    result,
  ];
};

/** The number of hosts in each state, in one line: `3 clean, 1 failed, 2 at work`. */
export const countLine = (rows: readonly Row[]): string => {
  const groups: [string, number][] = [
    ...(Object.keys(RESULTS) as HostResult[]).map((result): [string, number] => [
      RESULTS[result],
      rows.filter((row) => row.result === result).length,
    ]),
    ["at work", rows.filter(isRunning).length],
    ["waiting", rows.filter((row) => row.since === undefined && row.result === undefined).length],
  ];
  const parts = groups.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`);
  return `${counted(rows.length, "host")}: ${parts.join(", ") || "none"}`;
};

/** The whole table as text; at most `lines` lines if that is given. */
export const renderTable = (
  state: FleetState,
  now: number,
  options: { readonly paint: Paint; readonly columns: number; readonly lines?: number },
): string => {
  const { paint, columns } = options;
  // Three lines are needed for the head, the counts and the cursor.
  const { shown, hidden } = fitting(state.rows, options.lines === undefined ? Infinity : options.lines - 3);
  const head = ["Host", ...(state.waves > 1 ? ["Wave"] : []), "Step", "Time", "Result"];
  const rows = shown.map((row) => cells(row, now, state.waves, paint));
  // A row is one line, so the step is cut to the room that is left.
  const step = state.waves > 1 ? 2 : 1;
  const widths = head.map((_, index) =>
    Math.max(...[head, ...rows].map((row) => stringWidth(row[index] ?? "") + 2)),
  );
  const others = widths.reduce((sum, width, index) => (index === step ? sum : sum + width), 0);
  const room = Math.max(8, columns - others - 2);
  const cut = rows.map((row) => row.map((cell, index) => (index === step ? cliTruncate(cell, room) : cell)));
  return [
    formatColumns(head, cut, paint, columns),
    ...(hidden > 0 ? [paint("dim", `… and ${counted(hidden, "host")} more`)] : []),
    countLine(state.rows),
  ].join("\n");
};

/** An event as a plain line for a pipe; undefined for an event that a log does not need. */
export const plainLine = (event: FleetEvent, paint: Paint): string | undefined => {
  switch (event.type) {
    case "start":
      return event.resumed;
    case "wave":
      return `wave ${event.wave} of ${event.waves}: ${printable(event.stacks.join(", "))}`;
    case "step":
      return `${printable(hostName(event))}: ${printable(event.step)}`;
    case "host": {
      const message =
        event.message === "" ? "" : `: ${event.message.split("\n").map(printable).join("\n    ")}`;
      return `${printable(hostName(event))} ${paint(STYLES[event.result], RESULTS[event.result])}${message}`;
    }
    case "note":
      return event.text.split("\n").map(printable).join("\n");
    case "end":
      return undefined;
    default:
      return event satisfies never;
  }
};
