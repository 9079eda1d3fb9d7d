/**
 * Ctrl-C: the first lets the stacks at work finish and begins no other, the second has the engines end their steps at
 * hand and begin no other, the third kills them.
 */
export interface Stopping {
  readonly begin: AbortSignal;
  readonly interrupt: AbortSignal;
  readonly kill: AbortSignal;
  /** takes the handlers away */
  end(): void;
}

const WORDS = [
  "stopping: what is at work finishes, nothing else begins; Ctrl-C again cancels it",
  "cancelling: each engine ends the step at hand; Ctrl-C again kills them",
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
