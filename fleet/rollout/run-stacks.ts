import type { ReadStack, StackResult, StackRun } from "./stack-run.ts";

/** Runs the stacks in this process, or through the workers of a queue. */
export type RunStacks = (run: Omit<StackRun, "reader" | "version" | "withEngine">) => {
  run(stack: ReadStack): Promise<StackResult>;
  end(): Promise<void>;
};
