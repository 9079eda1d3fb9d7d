import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execaSync } from "execa";

/** When each test that `npm test` leaves out last passed: its run writes the row. */
const TABLE = "docs/tried.md";
const ROOT = join(import.meta.dirname, "..");
const WITH_CHANGES = " with changes";

/** What passed, when, on which commit, and how long it took: the cells of a row. */
export type Row = readonly [test: string, date: string, commit: string, took: string];

const lineOf = (row: Row): string => `| ${row.join(" | ")} |`;
const testOf = (line: string): string => line.split("|")[1]?.trim() ?? "";

/** The table with this row in place of the one that the test had, or below the others. */
export const withRow = (text: string, row: Row): string => {
  const lines = text.trimEnd().split("\n");
  const place = lines.findIndex((line) => line.startsWith("|") && testOf(line) === row[0]);
  return `${lines.toSpliced(place === -1 ? lines.length : place, place === -1 ? 0 : 1, lineOf(row)).join("\n")}\n`;
};

/** The tests that the table has a row for. */
export const testsIn = (text: string): readonly string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map(testOf);

const git = (...args: readonly string[]): string =>
  execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();

/** The commit that is tried, and whether tracked files differ from it; the table itself may. */
export const revision = (): string => {
  const changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", `:!${TABLE}`);
  return git("rev-parse", "--short", "HEAD") + (changed === "" ? "" : WITH_CHANGES);
};

/** What was tried from `before` on: files that changed meanwhile are changes too. */
const revisionSince = (before: string): string =>
  before === revision() ? before : before.replace(WITH_CHANGES, "") + WITH_CHANGES;

const length = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
};

/**
 * Writes the row of a test that has passed.
 * @param before the {@link revision} as the test began
 * @param remark what the row says beside the time
 */
export const noteTried = (test: string, before: string, milliseconds: number, remark = ""): void => {
  const file = join(ROOT, TABLE);
  const date = new Date().toISOString().slice(0, 10);
  const row: Row = [test, date, revisionSince(before), length(milliseconds) + remark];
  writeFileSync(`${file}.new`, withRow(readFileSync(file, "utf8"), row));
  renameSync(`${file}.new`, file);
  execaSync("oxfmt", [TABLE], { cwd: ROOT, preferLocal: true });
};
