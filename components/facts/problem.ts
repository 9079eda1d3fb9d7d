import { printableLines, shortened } from "./printable.ts";

/**
 * Something that has to be put right before anything is changed: `path` names the setting or the thing on the
 * host, `found` and `expected` say what is wrong, `remedy` what to do next.
 */
export interface Problem {
  readonly path: string;
  readonly problem: string;
  readonly remedy: string;
}

/** A result that carries either a value or every problem at once, never one after the other. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** One problem as the lines a person reads: what is wrong, then what to do. */
export const formatProblem = (problem: Problem): string =>
  `${problem.path}: ${problem.problem}\n    → ${problem.remedy}`;

/** All problems of one host as one message; a host's own words in it are harmless on a terminal. */
export const formatProblems = (
  subject: string,
  problems: readonly Problem[],
  consequence = "nothing was changed",
): string =>
  printableLines(
    `${subject}: ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}, ${consequence}\n` +
      problems.map((problem) => shortened(`  ${formatProblem(problem)}`, 4000)).join("\n"),
  );
