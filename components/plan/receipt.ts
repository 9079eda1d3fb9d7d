import type { Facts } from "../facts/facts.ts";
import { receiptName } from "./step.ts";

/** What a step's receipt records, by name; undefined when the step was never taken. `asked` holds the words of its verb. */
export const receiptNotes = (facts: Facts, key: string): Readonly<Record<string, string>> | undefined =>
  facts.receipts[receiptName(key)]?.notes;

/**
 * Tells what somebody took from a host from what the stack has come to want. A receipt records what was wanted when it was
 * written: what was wanted then and is not there is `lost`, which is drift; what was not wanted then is `added`, which is not.
 */
export const splitMissing = <T>(
  missing: readonly T[],
  wasWanted: (one: T) => boolean,
): { readonly lost: readonly T[]; readonly added: readonly T[] } => ({
  lost: missing.filter(wasWanted),
  added: missing.filter((one) => !wasWanted(one)),
});
