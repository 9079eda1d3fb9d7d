import { spawn } from "node:child_process";
import { resolve } from "node:path";

export interface PulumiResult {
  readonly code: number | null;
  /** Standard output and error in the order in which they came. */
  readonly output: string;
}

const PULUMI = resolve(import.meta.dirname, "../../toolchain/pulumi");

/** A running `pulumi`: its process for interrupts, and its end. */
export interface PulumiRun {
  readonly pid: number;
  readonly done: Promise<PulumiResult>;
  /** Resolves when the output matches; rejects when it ends without a match. */
  said(pattern: RegExp): Promise<void>;
}

/** Starts the project's own Pulumi in its own process group. */
export const startPulumi = (args: readonly string[]): PulumiRun => {
  const child = spawn(PULUMI, ["--non-interactive", "--color", "never", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const waiting = new Set<() => void>();
  const hear = (chunk: Buffer): void => {
    output += chunk.toString();
    for (const check of waiting) check();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const done = new Promise<PulumiResult>((resolved, reject) => {
    child.once("error", reject).once("close", (code) => resolved({ code, output }));
  });
  return {
    pid: child.pid ?? 0,
    done,
    said: (pattern) =>
      new Promise<void>((resolved, reject) => {
        const check = (): void => {
          if (!pattern.test(output)) return;
          waiting.delete(check);
          resolved();
        };
        waiting.add(check);
        check();
        void done.then(() => reject(new Error(`pulumi ended without saying ${pattern}:\n${output}`)));
      }),
  };
};

/** Runs the project's own Pulumi to its end. */
export const pulumi = (...args: readonly string[]): Promise<PulumiResult> => startPulumi(args).done;
