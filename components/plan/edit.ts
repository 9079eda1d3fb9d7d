import { createHash } from "node:crypto";
import { splitBlock } from "./block.ts";
import { parseCmdline } from "../facts/cmdline.ts";
import type { Facts } from "../facts/facts.ts";
import { receiptNotes, splitMissing } from "./receipt.ts";
import { fileStep, receiptName, type ManagedFile, type Step } from "./step.ts";

/**
 * How a driver changes a file of the host:
 * - `file`: wholly ours, the one it replaces is kept
 * - `block`: lines between our markers at the end, all else stays byte for byte
 * - `words`: arguments at the end of the first line, all else stays (/etc/kernel/cmdline, which knows no comments)
 */
export type HostEdit =
  | ({ readonly kind: "file" } & ManagedFile)
  | { readonly kind: "block"; readonly path: string; readonly content: string }
  | { readonly kind: "words"; readonly path: string; readonly words: readonly string[] };

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

/** Words of a file's first line that the last up put there: they go again with it. */
export const ourWords = (facts: Facts, path: string): readonly string[] =>
  parseCmdline(facts.receipts[receiptName(path)]?.notes["words"] ?? "");

const wordsInPlace = (facts: Facts, path: string, words: readonly string[]): boolean => {
  const found = facts.files[path];
  if (!found) return false;
  const there = parseCmdline(firstLine(found.content));
  const stale = ourWords(facts, path).filter((word) => !words.includes(word));
  return words.every((word) => there.includes(word)) && !stale.some((word) => there.includes(word));
};

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * The step that makes an edit so; drift is a difference that came after the last up. Receipts did not always hold what
 * was wanted of the block or the words alone: then it counts whether the file as a whole was changed.
 */
export const editStep = (facts: Facts, edit: HostEdit, after: readonly string[] = []): Step => {
  if (edit.kind === "file") return fileStep(facts, edit, after);
  const { kind, path } = edit;
  const found = facts.files[path];
  const written = receiptNotes(facts, path);
  const changed = written !== undefined && written["sha256"] !== found?.sha256;
  if (kind === "block") {
    const block = splitBlock(found?.content ?? "").block ?? "";
    const inPlace = block === edit.content;
    const edited = written?.["block"] === undefined ? changed : written["block"] !== sha256(block);
    return {
      key: path,
      verb: "block",
      args: [path],
      input: edit.content,
      undo: ["unblock", path],
      after,
      inPlace,
      ...(!inPlace && edited && { drift: { kind: "file", path, found: block, wanted: edit.content } }),
    };
  }
  const there = parseCmdline(firstLine(found?.content ?? ""));
  const then = written?.["wanted"];
  const { lost } = splitMissing(
    edit.words.filter((word) => !there.includes(word)),
    (word) => (then === undefined ? changed : parseCmdline(then).includes(word)),
  );
  const wanted = edit.words.join(" ");
  return {
    key: path,
    verb: "words",
    args: [path],
    input: `${wanted}\n`,
    undo: ["unwords", path],
    after,
    inPlace: wordsInPlace(facts, path, edit.words),
    ...(lost.length > 0 && {
      drift: { kind: "state", found: `${path}: ${firstLine(found?.content ?? "") || "not there"}`, wanted },
    }),
  };
};
