import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { LocalWorkspace, type PulumiCommand, Stack } from "@pulumi/pulumi/automation/index.js";
import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";
import { CommandError } from "../../ground/command-error.ts";
import { PROJECT } from "../stack-file.ts";
import type { Environment } from "./environment.ts";
import {
  addChange,
  changeCount,
  hostEvents,
  NO_CHANGES,
  type HostChanges,
  type HostEvent,
} from "./events.ts";
import { runProgram, type Ended } from "./process.ts";

export type Operation = "preview" | "up" | "destroy";

export interface EngineRun {
  readonly operation: Operation;
  readonly stack: string;
  readonly hosts: readonly string[];
  readonly environment: Environment;
  /** All output of Pulumi is appended to this file. */
  readonly log: string;
  /** Ends the current step and begins no other. */
  readonly interrupt?: AbortSignal;
  readonly kill?: AbortSignal;
  readonly onEvent?: (event: HostEvent) => void;
}

export type EngineResult =
  | {
      readonly ok: true;
      /** Changes by host: done, or expected by a preview. */
      readonly hosts: Readonly<Record<string, HostChanges>>;
      /** Number of changes in the whole stack, with those that belong to no host. */
      readonly changes: number;
      readonly output: string;
    }
  | {
      readonly ok: false;
      readonly why: "failed" | "locked" | "missing" | "interrupted";
      readonly message: string;
      /** Changes by host before the failure. */
      readonly hosts: Readonly<Record<string, HostChanges>>;
    };

/**
 * Answers to questions of the Automation API that matter to nobody here. Asking the CLI would take a third of a
 * second each.
 */
const UNASKED: readonly (readonly [readonly string[], string])[] = [
  // Every call names its stack; selecting one would change the user's own selection.
  [["stack", "select"], ""],
  [["stack", "output"], "{}"],
  [["stack", "history"], "[]"],
];

const versions = new Map<string, Promise<string>>();

/** The version of the Pulumi on an environment's PATH, read once. */
const versionIn = (environment: Environment): Promise<string> => {
  const path = environment["PATH"] ?? "";
  const known = versions.get(path);
  if (known) return known;
  const version = runProgram(["pulumi", "version"], { cwd: PROJECT, env: environment }).then(
    ({ code, stdout }) => {
      if (code === 0) return stdout.trim().replace(/^v/, "");
      throw new CommandError(
        "there is no pulumi on PATH: install it (https://www.pulumi.com/docs/install/), or run ./setup for lab stacks",
      );
    },
  );
  versions.set(path, version);
  return version;
};

const pulumiCommand = (run: EngineRun, version: string, heard: (ended: Ended) => void): PulumiCommand => {
  const command = {
    command: "pulumi",
    // The workspace needs it only to choose how it receives events: newer versions send them, older ones write a
    // file.
    version: { toString: () => version },
    run: async (args: string[], _: string, more: Environment): Promise<Ended> => {
      const unasked = UNASKED.find(([words]) => words.every((word, index) => args[index] === word));
      if (unasked) return { code: 0, stdout: unasked[1], stderr: "" };
      const ended = await runProgram(["pulumi", ...args, "--non-interactive", "--color", "never"], {
        cwd: PROJECT,
        env: { ...run.environment, ...more, PULUMI_AUTOMATION_API: "true" },
        log: run.log,
        ...(run.interrupt && { interrupt: run.interrupt }),
        ...(run.kill && { kill: run.kill }),
      });
      heard(ended);
      if (ended.code !== 0) throw new Error(`pulumi ended with exit status ${ended.code}`);
      return ended;
    },
  };
  return command as unknown as PulumiCommand;
};

const LOCKED = /the stack is currently locked by|\[409\] Conflict/;
const MISSING = /no stack named .* found/;

/** Writes the command in front of its output, to tell the parts of a log apart. */
const startLog = (log: string, args: readonly string[]): void => {
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 });
  appendFileSync(log, `== ${new Date().toISOString()} pulumi ${args.join(" ")}\n`);
};

/** The errors of a run, each once. If there are none: its last output. */
const explain = (errors: readonly string[], ended: Ended | undefined, error: unknown): string => {
  const told = [...new Set(errors)].filter(
    (text) => !/^(error: )?(update|preview|destroy) failed$/.test(text),
  );
  if (told.length > 0) return told.join("\n");
  const said = ended?.stderr.trim() || ended?.stdout.trim().slice(-1000);
  return said || (error instanceof Error ? error.message : String(error));
};

/**
 * Runs Pulumi's engine on one stack through its Automation API. The program is the project's own index.ts, which the
 * CLI starts as for `pulumi up`. Does not throw for errors on hosts.
 */
export const runEngine = async (run: EngineRun): Promise<EngineResult> => {
  startLog(run.log, [run.operation, "--stack", run.stack]);
  const hosts: Record<string, HostChanges> = Object.fromEntries(run.hosts.map((host) => [host, NO_CHANGES]));
  const errors: string[] = [];
  let others = 0;
  let ended: Ended | undefined;
  const onEvent = (event: EngineEvent): void => {
    if (event.summaryEvent)
      others = Object.entries(event.summaryEvent.resourceChanges ?? {}).reduce(
        (sum, [op, count]) => (op === "same" ? sum : sum + (count ?? 0)),
        0,
      );
    for (const found of hostEvents(event, run.hosts)) {
      if (found.kind === "change")
        hosts[found.host] = addChange(hosts[found.host] ?? NO_CHANGES, found.change);
      else if (found.kind === "says" && found.severity === "error") errors.push(found.text);
      run.onEvent?.(found);
    }
  };
  const options = { onEvent, suppressProgress: true };
  try {
    const workspace = await LocalWorkspace.create({
      workDir: PROJECT,
      pulumiCommand: pulumiCommand(run, await versionIn(run.environment), (result) => {
        ended = result;
      }),
    });
    const stack = await Stack.select(run.stack, workspace);
    if (run.operation === "preview") await stack.preview({ ...options, diff: true });
    else await stack[run.operation]({ ...options });
    const changes = Math.max(
      others,
      Object.values(hosts).reduce((sum, change) => sum + changeCount(change), 0),
    );
    return { ok: true, hosts, changes, output: ended?.stdout ?? "" };
  } catch (error) {
    const said = `${ended?.stdout ?? ""}\n${ended?.stderr ?? ""}`;
    const why = run.interrupt?.aborted
      ? "interrupted"
      : LOCKED.test(said)
        ? "locked"
        : MISSING.test(said)
          ? "missing"
          : "failed";
    return { ok: false, why, message: explain(errors, ended, error), hosts };
  }
};

/** Runs a Pulumi command on one stack that needs no program: `stack init`, `cancel`. */
export const runPulumi = (args: readonly string[], environment: Environment, log: string): Promise<Ended> => {
  startLog(log, args);
  return runProgram(["pulumi", ...args, "--non-interactive", "--color", "never"], {
    cwd: PROJECT,
    env: environment,
    log,
  });
};
