import type { Patient } from "./patient.ts";
import type { Survey } from "../facts/survey.ts";

/**
 * - `fault`: it does not work, or will fail at the next start
 * - `risk`: it works now, but may fail later or work badly
 * - `expected`: it looks like a fault but is normal
 */
export type Verdict = "fault" | "risk" | "expected";

export interface Finding {
  /** The domain, card or setting with the finding. */
  readonly subject: string;
  readonly verdict: Verdict;
  /** What was found, in one sentence. */
  readonly found: string;
  /** Set where it differs from the rule's remedy. */
  readonly remedy?: string;
}

/** A known cause of trouble: how it shows, why it happens, the remedy and the source. */
export interface Rule {
  /** Lower case with dashes; also the name of the rule's file. */
  readonly id: string;
  readonly title: string;
  readonly looksAt: string;
  readonly explanation: string;
  readonly remedy: string;
  /** A thread as `owner/repository#number`, or a document. */
  readonly source: string;
  /** Parts of the survey that the rule cannot do without. A plain user's probe has none of them. */
  readonly needs?: readonly (keyof Survey)[];
  find(patient: Patient): readonly Finding[];
}
