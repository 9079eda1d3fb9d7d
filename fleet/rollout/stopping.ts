/**
 * Ctrl-C in three stages. First: running stacks finish and no other begins. Second: engines end their current steps
 * and begin no other. Third: the engines are killed.
 */
export interface Stopping {
  readonly begin: AbortSignal;
  readonly interrupt: AbortSignal;
  readonly kill: AbortSignal;
  /** Removes the handlers. */
  end(): void;
}

const WORDS = [
  "stopping: running stacks finish, no other begins; press Ctrl-C again to cancel them",
  "cancelling: each engine ends its current step; press Ctrl-C again to kill the engines",
  "killing",
] as const;

export const startStopping = (say: (text: string) => void): Stopping => {
  const stages = [new AbortController(), new AbortController(), new AbortController()] as const;
  let at = 0;
  const next = (): void => {
    const stage = stages[at];
    if (!stage) return;
    say(WORDS[at] ?? "");
    at += 1;
    stage.abort();
  };
  process.on("SIGINT", next).on("SIGTERM", next);
  return {
    begin: stages[0].signal,
    interrupt: stages[1].signal,
    kill: stages[2].signal,
    end: () => void process.off("SIGINT", next).off("SIGTERM", next),
  };
};
