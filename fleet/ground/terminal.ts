import { stripVTControlCharacters, styleText } from "node:util";
import Table from "cli-table3";

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

const visibleLength = (text: string): number => stripVTControlCharacters(text).length;

/** No column becomes narrower than this; more columns than that allows do not fit, whatever they hold. */
const MIN_COLUMN = 8;

/** Widths of the columns, padding included, with the widest made narrower until the table fits. */
const columnWidths = (rows: readonly (readonly string[])[], columns: number): number[] => {
  const count = Math.max(...rows.map((row) => row.length));
  const widths = Array.from(
    { length: count },
    (_, column) => Math.max(...rows.map((row) => visibleLength(row[column] ?? ""))) + 2,
  );
  const borders = count + 1;
  for (let excess = widths.reduce((sum, width) => sum + width, borders) - columns; excess > 0; excess -= 1) {
    const widest = Math.max(...widths);
    if (widest <= MIN_COLUMN) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths;
};

const longestWord = (text: string): number =>
  Math.max(
    ...stripVTControlCharacters(text)
      .split(/\s+/)
      .map((word) => word.length),
  );

/**
 * A table with a head that fits into `columns`: the widest column wraps between words, or within them where one
 * is wider than the column. Cells are printed as they are: clean them with `printable` and paint them before.
 */
export const formatTable = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  columns = COLUMNS,
): string => {
  const widths = columnWidths([head, ...rows], columns);
  const table = new Table({
    head: head.map((title) => paint("bold", title)),
    colWidths: widths,
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const row of rows) {
    table.push(
      row.map((content, column) => ({
        content,
        wordWrap: true,
        wrapOnWordBoundary: longestWord(content) <= (widths[column] ?? 0) - 2,
      })),
    );
  }
  return drawn(table);
};

/** The library cuts what is too wide between code units; half a character of two is no text. */
const drawn = (table: Table.Table): string => table.toString().toWellFormed();

const NO_BORDERS = Object.fromEntries(
  "top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid"
    .split(" ")
    .map((name) => [name, ""]),
);

/** Rows in columns without borders, for long lists; otherwise as `formatTable`. */
export const formatColumns = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  columns = COLUMNS,
): string => {
  // one column less for each border that is not drawn
  const widths = columnWidths([head, ...rows], columns + head.length + 1);
  const table = new Table({
    chars: { ...NO_BORDERS, middle: "" },
    colWidths: widths,
    wordWrap: true,
    style: { "padding-left": 0, "padding-right": 2, head: [], border: [] },
  });
  for (const row of [head.map((title) => paint("bold", title)), ...rows])
    table.push(
      row.map((content, column) => ({
        content,
        wordWrap: true,
        wrapOnWordBoundary: longestWord(content) <= (widths[column] ?? 0) - 2,
      })),
    );
  return drawn(table).replaceAll(/ +$/gm, "");
};

/** Text after a label, wrapped between words, with the further lines as far to the right as the first. */
export const formatLabelled = (label: string, text: string, columns = COLUMNS): string => {
  const indent = visibleLength(label);
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && indent + visibleLength(line) + 1 + visibleLength(word) > columns) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return label + lines.join(`\n${" ".repeat(indent)}`);
};
