import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import {
  COLUMNS,
  formatColumns,
  formatJson,
  formatLabelled,
  formatTable,
  type Paint,
  paintFor,
  printable,
} from "../../../fleet/ground/terminal.ts";

const plain: Paint = (_, text) => text;
const red: Paint = (_, text) => `\u001b[31m${text}\u001b[39m`;

describe("printable", () => {
  test.each([
    ["escape sequences", "\u001b[31mred", "\u{fffd}[31mred"],
    ["their 8-bit form", "\u009b31mred", "\u{fffd}31mred"],
    ["line ends and tabs", "a\r\nb\tc\u2028d", "a\u{fffd}\u{fffd}b\u{fffd}c\u{fffd}d"],
    ["text direction", "rom\u202egpj.exe", "rom\u{fffd}gpj.exe"],
    ["invisible characters", "a\u200bb\ufeffc\u007f", "a\u{fffd}b\u{fffd}c\u{fffd}"],
    ["half a character", "a\ud800b", "a\u{fffd}b"],
    ["ordinary text", "GTX 1050 – Größe 128 KiB 日本 😀", "GTX 1050 – Größe 128 KiB 日本 😀"],
  ])("%s", (_, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test("any text is safe", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

test("JSON is exact, and harmless on a terminal", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), (value) => {
      const json = formatJson(value);
      expect(JSON.parse(json)).toEqual(value);
      expect(json).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
  expect(formatJson({ a: ["\u001b[31m", "\u{e0001}"] })).toBe(
    '{\n  "a": [\n    "\\u001b[31m",\n    "\\udb40\\udc01"\n  ]\n}',
  );
});

test("nothing is painted if the output is no terminal", () => {
  expect(paintFor(new PassThrough())("red", "text")).toBe("text");
});

describe("tables", () => {
  test("small tables are as wide as their cells", () => {
    const table = formatTable(["#", "Name"], [["1", "efi"]], plain);
    expect(table.split("\n")).toEqual([
      "┌───┬──────┐",
      "│ # │ Name │",
      "├───┼──────┤",
      "│ 1 │ efi  │",
      "└───┴──────┘",
    ]);
  });

  test("wide tables wrap into 100 columns and lose no word, painted or not", () => {
    const sentence = "the quick brown fox jumps over the lazy dog ".repeat(6).trim();
    const path = "/dev/disk/by-path/".repeat(10);
    for (const paint of [plain, red]) {
      const table = stripVTControlCharacters(
        formatTable(["Path", "Text", "N"], [[paint("red", path), sentence, "12345"]], paint),
      );
      for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(COLUMNS);
      const columns = table
        .split("\n")
        .slice(3, -1)
        .map((line) => line.split("│").map((cell) => cell.trim()));
      expect(columns.map((cells) => cells[1]).join("")).toBe(path);
      expect(
        columns
          .map((cells) => cells[2])
          .filter((cell) => cell !== "")
          .join(" "),
      ).toBe(sentence);
      expect(columns.map((cells) => cells[3]).join("")).toBe("12345");
    }
  });

  test.each([formatTable, formatColumns])(
    "wide characters and marks take the columns that a terminal gives them",
    (format) => {
      const names = ["日本語のホスト", "😀", "ก็", "क्षि", "e\u0301", "ascii", "日本".repeat(20)];
      const lines = format(
        ["Name", "End"],
        names.map((name) => [name, "|"]),
        plain,
        24,
      ).split("\n");
      const ends = lines.filter((line) => /\|/.test(line));
      expect(ends).toHaveLength(names.length);
      expect(new Set(ends.map((line) => stringWidth(line.slice(0, line.indexOf("|")))))).toHaveLength(1);
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(24);
    },
  );

  test.each([formatTable, formatColumns])(
    "a wide character is shown or replaced, never cut in half",
    (format) => {
      for (const before of ["", "a", "ab", "abc"])
        expect(format(["Name"], [[`${before}${"\u{20000}".repeat(40)}`]], plain, 12).isWellFormed()).toBe(
          true,
        );
    },
  );
});

describe("labelled text", () => {
  test("counts columns, not characters", () => {
    expect(formatLabelled("日本 ", "一二 三四 ab", 10)).toBe("日本 一二\n     三四\n     ab");
  });

  test("wraps between words, under its first line", () => {
    const text = formatLabelled("error  ", "one two three four", 16);
    expect(text).toBe("error  one two\n       three\n       four");
  });

  test("the label's colour takes no room", () => {
    expect(formatLabelled(red("red", "error  "), "one two three", 20)).toBe(
      `${red("red", "error  ")}one two three`,
    );
  });
});
