import type { Patient } from "./patient.ts";
import type { Survey } from "../facts/survey.ts";

/**
 * - `fault`: it does not work, or will not at the next start
 * - `risk`: it works now and may not later, or not well
 * - `expected`: it looks like a fault and is none
 */
export type Verdict = "fault" | "risk" | "expected";

export interface Finding {
  /** the domain, card or setting it is about */
  readonly subject: string;
  readonly verdict: Verdict;
  /** what was found, in one sentence */
  readonly found: string;
  /** where it differs from the rule's own */
  readonly remedy?: string;
}

/** One cause of trouble that is known: where it shows, why it is one, what helps, and where that is said. */
export interface Rule {
  /** lower case with dashes; also the name of the rule's file */
  readonly id: string;
  readonly title: string;
  readonly looksAt: string;
  readonly explanation: string;
  readonly remedy: string;
  /** a thread as `owner/repository#number`, or a document */
  readonly source: string;
  /** parts of the survey without which the rule cannot tell; a plain user gets none of them */
  readonly needs?: readonly (keyof Survey)[];
  find(patient: Patient): readonly Finding[];
}
