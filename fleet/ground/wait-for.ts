import { setTimeout as delay } from "node:timers/promises";

/** How a wait looks, and what ends it. */
export interface Waiting {
  /** milliseconds between two looks */
  readonly interval: number;
  readonly signal: AbortSignal;
}

/**
 * Looks until there is an answer other than undefined and false; undefined when the signal came first. Not p-wait-for: it
 * keeps a listener on the signal for every look, and these waits last for hours.
 */
export const waitFor = async <Answer>(
  look: () => Promise<Answer | undefined | false>,
  { interval, signal }: Waiting,
): Promise<Answer | undefined> => {
  while (!signal.aborted) {
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    await delay(interval, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
};
