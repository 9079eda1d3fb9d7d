import { spawn } from "node:child_process";
import { existsSync, openSync, closeSync, writeSync } from "node:fs";
import type { Environment } from "./environment.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** util-linux: the child gets a signal when the process that started it is gone, however it went. */
const SETPRIV = "/usr/bin/setpriv";

/** An interrupted Pulumi ends the step at hand, keeps its state and lets go of its lock. */
const orphanGetsInterrupted = (): readonly string[] =>
  existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "INT", "--"] : [];

/** Of what a process says, this much is kept for messages; a log file gets it all. */
const KEPT = 4 * 1024 * 1024;

/**
 * Runs a program in a process group of its own, so that Ctrl-C at the terminal reaches the fleet command alone, which
 * decides what it means. Its output goes to the log file as it comes.
 * @param signal aborting it interrupts the program (SIGINT); aborting it again is not possible, killing is `kill`
 */
export const runProgram = (
  command: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: Environment;
    readonly log?: string;
    readonly interrupt?: AbortSignal;
    readonly kill?: AbortSignal;
    readonly onOutput?: (text: string) => void;
  },
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const [program = "", ...args] = [...orphanGetsInterrupted(), ...command];
    const log = options.log === undefined ? undefined : openSync(options.log, "a", 0o600);
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const interrupt = (): void => void child.kill("SIGINT");
    const kill = (): void => void child.kill("SIGKILL");
    options.interrupt?.addEventListener("abort", interrupt, { once: true });
    options.kill?.addEventListener("abort", kill, { once: true });
    if (options.interrupt?.aborted) interrupt();
    let stdout = "";
    let stderr = "";
    const hear = (keep: (text: string) => void) => (text: string) => {
      keep(text);
      if (log !== undefined) writeSync(log, text);
      options.onOutput?.(text);
    };
    child.stdout.setEncoding("utf8").on(
      "data",
      hear((text) => (stdout = (stdout + text).slice(-KEPT))),
    );
    child.stderr.setEncoding("utf8").on(
      "data",
      hear((text) => (stderr = (stderr + text).slice(-KEPT))),
    );
    const done = (): void => {
      options.interrupt?.removeEventListener("abort", interrupt);
      options.kill?.removeEventListener("abort", kill);
      if (log !== undefined) closeSync(log);
    };
    child.once("error", (error) => (done(), reject(error)));
    child.once(
      "close",
      (code, by) => (done(), resolve({ code: code ?? (by === null ? 1 : 128), stdout, stderr })),
    );
  });
