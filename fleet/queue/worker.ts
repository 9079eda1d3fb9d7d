import { createHash } from "node:crypto";
import { join } from "node:path";
import type { PgBoss } from "pg-boss";
import { programDigest } from "../stack/clean/program.ts";
import { backendUrl, stateReader } from "../stack/clean/checkpoint.ts";
import { lookAtTarget } from "../targets/look.ts";
import { PROJECT } from "../stack/stack-file.ts";
import { FOLDER, logFolder } from "../rollout/folders.ts";
import { runStack, type ReadStack } from "../rollout/stack-run.ts";
import { selectStacks } from "../rollout/stacks.ts";
import type { FleetEvent } from "../rollout/state.ts";
import { startStopping, type Stopping } from "../rollout/stopping.ts";
import { printable } from "../ground/terminal.ts";
import { waitFor } from "../ground/wait-for.ts";
import { databaseUrl, jobSchema, QUEUE, startBoss, whoAmI, type Job, type Outcome } from "./boss.ts";
import { openWords, sayWord } from "./listen.ts";

/** The options as the command line gives them. */
export interface WorkerOptions {
  readonly database?: string;
  readonly parallel?: number;
}

export const configDigest = (stack: ReadStack): string =>
  createHash("sha256").update(stack.file.text).digest("hex");

const say = (text: string): void => console.log(`${new Date().toISOString()} ${printable(text)}`);

/** The stack of a job in this worker's checkout, or why this worker must not run it. */
const stackOf = async (job: Job): Promise<ReadStack | string> => {
  const [stack] = await selectStacks([job.stack], {});
  if (!stack?.ok) return stack?.message ?? "this worker's checkout has no file of the stack";
  if (programDigest() !== job.program) return "this worker has another version of the program";
  return configDigest(stack) === job.config ? stack : "this worker has another version of the stack file";
};

/** Runs one job. Its outcome goes to the command that filed it. */
const runJob = async (
  job: Job,
  takenOver: boolean,
  stopping: Stopping,
  tell: (event: FleetEvent) => void,
): Promise<Outcome> => {
  const worker = whoAmI();
  const stack = await stackOf(job).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  if (typeof stack === "string")
    return {
      worker,
      proved: false,
      hosts: [{ host: job.stack, result: "failed", message: `worker ${worker}: ${stack}` }],
    };
  if (takenOver) await locksEnd(stack, stopping.interrupt);
  const reader = stateReader(backendUrl(stack.environment, stack.file.backend), stack.environment);
  const hosts: Outcome["hosts"] = [];
  const result = await runStack(stack, {
    operation: "up",
    engine: job.engine,
    program: job.program,
    reader,
    version: (await reader.versions([stack.name])).get(stack.name),
    folders: { logs: logFolder(new Date()), records: join(FOLDER, "clean") },
    interrupt: stopping.interrupt,
    kill: stopping.kill,
    // The queue gives the job to this worker alone, so any other holder of the state was given up.
    waitsForLock: true,
    withEngine: (work) => work(),
    tell: (event) => {
      tell(event);
      if (event.type === "host")
        hosts.push({
          host: event.host,
          result: event.result,
          message: event.message,
          ...(event.changes !== undefined && { changes: event.changes }),
        });
    },
  });
  return { worker, proved: result.proved, hosts };
};

/** Milliseconds between two probes of a locked host. */
const LOCK_PAUSE = 3000;

/**
 * Waits for a lock that the last worker may have left on a host. It expires when nobody renews it
 * (docs/decisions/host-lock.md).
 */
const locksEnd = async (stack: ReadStack, signal: AbortSignal): Promise<void> => {
  const free = async (): Promise<boolean> => {
    const looks = await Promise.all(stack.targets.map((target) => lookAtTarget(stack.name, target)));
    return !looks.some((look) => !look.ok && look.locked);
  };
  await waitFor(free, { interval: LOCK_PAUSE, signal });
};

/** Waits until the database answers again. A failure during its outage is not the host's failure. */
const databaseIsBack = async (boss: PgBoss, signal: AbortSignal): Promise<boolean> => {
  let wasAway = false;
  const back = async (): Promise<boolean> => {
    try {
      await boss.getQueue(QUEUE);
      return true;
    } catch {
      wasAway = true;
      return false;
    }
  };
  await waitFor(back, { interval: 1000, signal });
  return wasAway;
};

/** `vfio-fleet worker`: runs jobs until Ctrl-C. Returns the exit status. Throws a CommandError. */
export const work = async (options: WorkerOptions): Promise<number> => {
  process.chdir(PROJECT);
  const url = databaseUrl(options.database);
  let lastTrouble = "";
  const boss = await startBoss(url, (error) => {
    if (error.message !== lastTrouble) say(`the database does not answer (${error.message}); waiting for it`);
    lastTrouble = error.message;
  });
  const words = await openWords(url);
  const stopping = startStopping(say);
  say(`worker ${whoAmI()} waits for jobs`);
  await boss.work<unknown>(
    QUEUE,
    { localConcurrency: options.parallel ?? 4, pollingIntervalSeconds: 1 },
    async ([claimed]) => {
      if (!claimed) return undefined;
      const job = jobSchema.parse(claimed.data);
      say(`${job.stack}: ${claimed.retryCount > 0 ? "taken over" : "taken"}, filed by ${job.by}`);
      const outcome = await runJob(job, claimed.retryCount > 0, stopping, (event) => {
        if (event.type !== "step") return;
        sayWord(words, { job: claimed.id, host: event.host, step: event.step });
      });
      const failed = outcome.hosts.filter(({ result }) => result === "failed");
      if (failed.length > 0 && (await databaseIsBack(boss, stopping.interrupt)))
        throw new Error("the database was away: running the job again");
      for (const { host, result, message } of outcome.hosts) say(`${host}: ${result} ${message}`);
      return outcome;
    },
  );
  await new Promise<void>((resolve) => {
    stopping.begin.addEventListener("abort", () => resolve(), { once: true });
  });
  // Running jobs finish first; a second Ctrl-C interrupts their engines.
  await boss.stop({ graceful: true, timeout: 24 * 3600 * 1000 });
  await words?.end();
  stopping.end();
  return 0;
};
