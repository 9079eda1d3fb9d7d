import type { ReadStack, StackResult, StackRun } from "./stack-run.ts";

/** What runs the stacks: this process, or the workers of a queue. */
export type RunStacks = (run: Omit<StackRun, "reader" | "version" | "withEngine">) => {
  run(stack: ReadStack): Promise<StackResult>;
  end(): Promise<void>;
};
