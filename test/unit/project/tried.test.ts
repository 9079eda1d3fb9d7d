import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { testsIn, withRow } from "../../tried.ts";

const TABLE = "# Title\n\n| test | passed on |\n| --- | --- |\n| one | not yet |\n| two | not yet |\n";

test("a row takes the place of the one that the test had; a new test comes last", () => {
  const noted = withRow(TABLE, ["one", "2026-11-29", "3c8ee37 with changes", "9 min 3 s"]);
  expect(noted).toBe(
    TABLE.replace("| one | not yet |", "| one | 2026-11-29 | 3c8ee37 with changes | 9 min 3 s |"),
  );
  const further = withRow(noted, ["three", "2026-11-30", "3c8ee37", "1 min 0 s"]);
  expect(further).toBe(`${noted}| three | 2026-11-30 | 3c8ee37 | 1 min 0 s |\n`);
  expect(testsIn(further)).toEqual(["one", "two", "three"]);
});

test("docs/tried.md has a row for each file of test:hosts, and for no other", () => {
  const rows = testsIn(readFileSync("docs/tried.md", "utf8"));
  const files = readdirSync("test/hosts").map((file) => `\`test/hosts/${file}\``);
  expect(rows.filter((row) => row.includes("test/hosts/")).toSorted()).toEqual(files.toSorted());
});
