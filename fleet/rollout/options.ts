import type { StackRun } from "./stack-run.ts";
import type { Selection } from "./stacks.ts";
import type { WaveSize } from "./waves.ts";

/** The operation of a command over many stacks. */
export type FleetOperation = StackRun["operation"];

/** The options as the command line gives them. */
export interface FleetOptions extends Selection {
  readonly parallel?: number;
  readonly json?: true;
  readonly engine?: true;
  readonly canary?: number;
  readonly wave?: WaveSize;
  readonly maxFailures?: number;
  readonly afresh?: true;
  readonly yes?: true;
  readonly queue?: true;
  readonly database?: string;
}
