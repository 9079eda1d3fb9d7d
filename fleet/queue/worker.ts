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

/** The stack of a job as this worker has it, or why it must not be touched from here. */
const stackOf = async (job: Job): Promise<ReadStack | string> => {
  const [stack] = await selectStacks([job.stack], {});
  if (!stack?.ok) return stack?.message ?? "it has no file";
  if (programDigest() !== job.program) return "the program here is another version";
  return configDigest(stack) === job.config ? stack : "the stack's file here is another version";
};

/** Runs one job; its outcome is what the one who filed it shows. */
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
    // the job is this worker's alone, so whoever still holds the state is one that was given up
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

/** Looks at a host again after so many milliseconds. */
const LOCK_PAUSE = 3000;

/** The worker before may have left its lock on a host; it ends by itself when nobody renews it (docs/decisions/host-lock.md). */
const locksEnd = async (stack: ReadStack, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const looks = await Promise.all(stack.targets.map((target) => lookAtTarget(stack.name, target)));
    if (!looks.some((look) => !look.ok && look.locked)) return;
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE));
  }
};

/** Waits until the database answers again; what failed while it was away is not the host's failure. */
const databaseIsBack = async (boss: PgBoss, signal: AbortSignal): Promise<boolean> => {
  let wasAway = false;
  while (!signal.aborted) {
    try {
      await boss.getQueue(QUEUE);
      return wasAway;
    } catch {
      wasAway = true;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  return wasAway;
};

/** `vfio-fleet worker`: takes jobs until Ctrl-C; the exit status. Throws a CommandError. */
export const work = async (options: WorkerOptions): Promise<number> => {
  process.chdir(PROJECT);
  const url = databaseUrl(options.database);
  let lastTrouble = "";
  const boss = await startBoss(url, (error) => {
    if (error.message !== lastTrouble) say(`the database: ${error.message}; waiting for it`);
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
        throw new Error("the database was away: once more");
      for (const { host, result, message } of outcome.hosts) say(`${host}: ${result} ${message}`);
      return outcome;
    },
  );
  await new Promise<void>((resolve) => {
    stopping.begin.addEventListener("abort", () => resolve(), { once: true });
  });
  // jobs at work finish first; a second Ctrl-C interrupts their engines
  await boss.stop({ graceful: true, timeout: 24 * 3600 * 1000 });
  await words?.end();
  stopping.end();
  return 0;
};
