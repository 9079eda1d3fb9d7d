import { styleText } from "node:util";
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";

export { printable, printableLines } from "../../components/facts/printable.ts";

/** What every command prints keeps to this many columns. */
export const COLUMNS = 100;

/** What `printable` replaces, without the line feeds that the layout of JSON consists of; those in its texts are escaped already. */
const UNPRINTABLE_IN_JSON = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** JSON with the same characters escaped: no less exact, and harmless when it is read on a terminal. */
export const formatJson = (value: unknown): string =>
  JSON.stringify(value, undefined, 2).replace(UNPRINTABLE_IN_JSON, (text) =>
    Array.from(
      { length: text.length },
      (_, index) => String.raw`\u${text.charCodeAt(index).toString(16).padStart(4, "0")}`,
    ).join(""),
  );

export type Style = Extract<
  Parameters<typeof styleText>[0],
  "green" | "yellow" | "red" | "cyan" | "bold" | "dim"
>;

/** Gives text a style, or leaves it as it is where the output is no terminal. */
export type Paint = (style: Style, text: string) => string;

/** Paints for a stream: only when it is a terminal, and NO_COLOR and its like do not say otherwise. */
export const paintFor =
  (stream: NodeJS.WritableStream): Paint =>
  (style, text) =>
    styleText(style, text, { stream });

/** No column becomes narrower than this; more columns than that allows do not fit, whatever they hold. */
const MIN_COLUMN = 6;

/** Widths of the columns, with the widest made narrower until they fit into `room` together. */
const columnWidths = (rows: readonly (readonly string[])[], room: number): number[] => {
  const count = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => stringWidth(row[column] ?? ""))),
  );
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - room; excess > 0; excess -= 1) {
    const widest = Math.max(...widths);
    if (widest <= MIN_COLUMN) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths;
};

/** Text filled up with blanks to a width. */
const filled = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - stringWidth(text)));

/** The lines that a row takes, each with all its cells: wrapped between words, or within one that is too wide. */
const linesOf = (row: readonly string[], widths: readonly number[]): string[][] => {
  const cells = widths.map((width, column) => wrapAnsi(row[column] ?? "", width, { hard: true }).split("\n"));
  return Array.from({ length: Math.max(...cells.map((lines) => lines.length)) }, (_, line) =>
    widths.map((width, column) => filled(cells[column]?.[line] ?? "", width)),
  );
};

/**
 * A table with a head that fits into `columns`: the widest column gives way. Cells are printed as they are: clean them
 * with `printable` and paint them before. The layout is our own, as cli-table3 takes the marks of some scripts for columns.
 */
export const formatTable = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  columns = COLUMNS,
): string => {
  // a border and a blank on either side of each cell
  const widths = columnWidths([head, ...rows], columns - 3 * head.length - 1);
  const rule = (left: string, cross: string, right: string): string =>
    left + widths.map((width) => "─".repeat(width + 2)).join(cross) + right;
  const body = [head.map((title) => paint("bold", title)), ...rows].map((row) =>
    linesOf(row, widths)
      .map((cells) => `│ ${cells.join(" │ ")} │\n`)
      .join(""),
  );
  return [rule("┌", "┬", "┐"), "\n", body.join(`${rule("├", "┼", "┤")}\n`), rule("└", "┴", "┘")].join("");
};

/** Rows in columns without borders, for long lists; otherwise as `formatTable`. */
export const formatColumns = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  columns = COLUMNS,
): string => {
  const widths = columnWidths([head, ...rows], columns - 2 * head.length);
  return [head.map((title) => paint("bold", title)), ...rows]
    .flatMap((row) => linesOf(row, widths))
    .map((cells) => cells.join("  ").trimEnd())
    .join("\n");
};

/** Text after a label, wrapped between words, with the further lines as far to the right as the first. */
export const formatLabelled = (label: string, text: string, columns = COLUMNS): string => {
  const indent = stringWidth(label);
  return label + wrapAnsi(text, Math.max(1, columns - indent)).replaceAll("\n", `\n${" ".repeat(indent)}`);
};
