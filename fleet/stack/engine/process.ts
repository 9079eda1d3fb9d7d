import { spawn } from "node:child_process";
import { closeSync, existsSync, fstatSync, openSync, readFileSync } from "node:fs";
import type { Environment } from "./environment.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** setpriv (util-linux): sends the child a signal when its parent process ends for any reason. */
const SETPRIV = "/usr/bin/setpriv";

/** An interrupted Pulumi ends its current step, saves its state and releases its lock. */
const orphanGetsInterrupted = (): readonly string[] =>
  existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "INT", "--"] : [];

/** Bytes of a process's output that are kept for messages; a log file gets all of it. */
const KEPT = 4 * 1024 * 1024;

const textFrom = (file: string, start: number): string => {
  const bytes = readFileSync(file).subarray(start);
  return bytes.subarray(-KEPT).toString("utf8");
};

/**
 * Runs a program in its own process group, so that Ctrl-C at the terminal reaches only the fleet command. With a log,
 * the program writes there directly. A pipe would end the program (SIGPIPE) in the middle of a step when this process
 * dies.
 * @returns with a log, `stdout` is all of the output
 */
export const runProgram = (
  command: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: Environment;
    readonly log?: string;
    /** Aborting it interrupts the program (SIGINT). */
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
