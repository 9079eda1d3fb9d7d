import { spawn } from "node:child_process";
import { closeSync, existsSync, fstatSync, openSync, readFileSync } from "node:fs";
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

const textFrom = (file: string, start: number): string => {
  const bytes = readFileSync(file).subarray(start);
  return bytes.subarray(-KEPT).toString("utf8");
};

/**
 * Runs a program in a process group of its own, so that Ctrl-C at the terminal reaches the fleet command alone, which
 * decides what it means. With a log it writes there itself, all of it: a pipe would end it (SIGPIPE) when this process is
 * gone, in the middle of a step.
 * @returns with a log, `stdout` is everything that it said
 */
export const runProgram = (
  command: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: Environment;
    readonly log?: string;
    /** aborting it interrupts the program (SIGINT) */
    readonly interrupt?: AbortSignal;
    readonly kill?: AbortSignal;
  },
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const [program = "", ...args] = [...orphanGetsInterrupted(), ...command];
    const file = options.log;
    const log = file === undefined ? undefined : openSync(file, "a", 0o600);
    const start = log === undefined ? 0 : fstatSync(log).size;
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ["ignore", log ?? "pipe", log ?? "pipe"],
      detached: true,
    });
    const interrupt = (): void => void child.kill("SIGINT");
    const kill = (): void => void child.kill("SIGKILL");
    options.interrupt?.addEventListener("abort", interrupt, { once: true });
    options.kill?.addEventListener("abort", kill, { once: true });
    if (options.interrupt?.aborted) interrupt();
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout = (stdout + text).slice(-KEPT);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-KEPT);
    });
    const done = (): void => {
      options.interrupt?.removeEventListener("abort", interrupt);
      options.kill?.removeEventListener("abort", kill);
      if (log !== undefined) closeSync(log);
    };
    child.once("error", (error) => (done(), reject(error)));
    child.once("close", (code, by) => {
      done();
      if (file !== undefined) stdout = textFrom(file, start);
      resolve({ code: code ?? (by === null ? 1 : 128), stdout, stderr });
    });
  });
