import { globSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { sentencesOf } from "../../support/prose.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

/** Folders and files in plain English. The list grows until it holds all sources. */
const SWEPT = [
  ".ci/run",
  "bench",
  "components/doctor",
  "components/option-rom",
  "fleet/doctor",
  "fleet/init",
  "fleet/inspect",
  "fleet/main.ts",
  "fleet/queue",
  "fleet/report",
  "fleet/rollout",
  "fleet/rom",
  "fleet/stack",
  "fleet/sudoers",
  "fleet/targets",
  "fleet/unlock",
  "fleet/watch",
  "lab",
  "setup",
  "test/bed",
  "test/browser",
  "test/component",
  "test/faults",
  "test/fixtures",
  "test/support",
  "test/unit/doctor",
  "test/unit/domain",
  "test/unit/fleet",
  "test/unit/lab",
  "test/unit/option-rom",
  "test/unit/plan",
  "test/unit/project",
  "test/unit/stacks",
  "toolchain",
  "toolchain/pulumi",
];

const FILLER = /\b(?:whoever|whom|of whose|so many|anew|any more|perhaps)\b|\bno more\b(?! than)/i;
const SUBJECT = "(?:it|they|there|the|an?|this|that|these|those|its|their|one|no|nothing|nobody|somebody)";
/** A condition that begins with its verb, as a question does: if … then says the same. */
const INVERTED = new RegExp(
  String.raw`^(?:(?:Do|Does|Did|Is|Are|Was|Were|Has|Have|Had|Should|Can|Could|Would|May)|does|should|were|had)\s+${SUBJECT}\b.*[^?]$`,
);

const faultsOf = (path: string, source: string): string[] =>
  sentencesOf(path, source)
    .filter(({ text }) => FILLER.test(text) || INVERTED.test(text))
    .map(({ at, text }) => `${path}:${source.slice(0, at).split("\n").length}: ${text}`);

const sourcesIn = (path: string): string[] =>
  statSync(`${ROOT}${path}`).isDirectory() ? globSync(`${path}/**/*.{ts,mjs,sh}`, { cwd: ROOT }) : [path];

test.each(SWEPT)("comments and messages of %s are in plain English", (path) => {
  const files = sourcesIn(path).filter((file) => !file.endsWith("project/words.test.ts"));
  expect(files.length).toBeGreaterThan(0);
  expect(files.flatMap((file) => faultsOf(file, readFileSync(`${ROOT}${file}`, "utf8")))).toEqual([]);
});

test.each([
  ["a.ts", "// Does the host come back, it is proved.", 1],
  ["a.ts", "/**\n * A lock. Is it\n * held, the run waits.\n */\nconst a = 1;", 2],
  ["a.ts", "const a = `${b}: were the file there, it would stay`;", 1],
  ["a.ts", 'const a = "done; whoever asks, waits";', 1],
  ["a.ts", "// one line\n// and perhaps another\n", 1],
  ["a.ts", "const a = /`/;\n// it is no more", 2],
  ["a.sh", 'a=1 # so many files\necho "fine"\n', 1],
  ["a.sh", "a=1\necho 'Should the lock stay, wait'\n", 2],
])("a fault is found with its line: %s %j", (path, source, line) => {
  expect(faultsOf(path, source)).toEqual([expect.stringContaining(`${path}:${line}: `)]);
});

test.each([
  ["a.ts", "/** Is there a signature? */\nconst whoever = anew.perhaps;"],
  ["a.ts", "// no more than ten\nconst a = `${does}the${is}`;"],
  ["a.ts", 'const a = ["Is", "the"].map((b) => b === "had");'],
  ["a.sh", 'whom=$1\ncase $whom in "#a") ;; esac\n'],
])("plain text and code are accepted: %s %j", (path, source) => {
  expect(faultsOf(path, source)).toEqual([]);
});
