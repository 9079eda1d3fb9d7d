import { programDigest } from "../clean/program.ts";
import type { FleetOptions, RunStacks } from "../rollout/run.ts";
import type { StackResult } from "../rollout/stack-run.ts";
import { databaseUrl, jobSchema, outcomeSchema, QUEUE, startBoss, whoAmI, type Job } from "./boss.ts";
import { hearWords, openWords } from "./listen.ts";
import { configDigest } from "./worker.ts";

/** Milliseconds between two looks at a job. */
const LOOK = 1000;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK));

/**
 * Files a job for each stack and follows it until a worker has done it. One that is under way already is followed as it
 * is: a roll-out that was killed finds its own jobs again.
 */
export const queued = async (options: FleetOptions): Promise<RunStacks> => {
  const url = databaseUrl(options.database);
  // while the database is away there is nothing to tell but that; looks are repeated
  const boss = await startBoss(url, () => {});
  const words = await openWords(url);
  const program = programDigest();
  const stackOfJob = new Map<string, string>();
  return (run) => {
    void hearWords(words, ({ job, host, step }) => {
      const stack = stackOfJob.get(job);
      if (stack !== undefined) run.tell({ type: "step", stack, host, step });
    });
    const file = async (job: Job): Promise<string> => {
      const sent = await boss.send(QUEUE, job, { singletonKey: job.stack });
      if (sent !== null) return sent;
      const found = await boss.findJobs<unknown>(QUEUE, { key: job.stack });
      const open = found.find(({ state }) => ["created", "retry", "active"].includes(state));
      // it ended between the two questions
      if (!open) return file(job);
      const { by } = jobSchema.parse(open.data);
      run.tell({ type: "note", text: `${job.stack}: ${by} has filed it already; following that` });
      return open.id;
    };
    return {
      run: async (stack): Promise<StackResult> => {
        const hosts = stack.targets.map(({ name }) => name);
        const id = await file({
          stack: stack.name,
          engine: run.engine,
          program,
          config: configDigest(stack),
          by: whoAmI(),
        });
        stackOfJob.set(id, stack.name);
        for (const host of hosts)
          run.tell({ type: "step", stack: stack.name, host, step: "waiting for a worker" });
        for (;;) {
          const [found] = await boss.findJobs(QUEUE, { id }).catch(() => [undefined]);
          const outcome = found?.state === "completed" ? outcomeSchema.safeParse(found.output) : undefined;
          if (outcome?.success) {
            const told = new Map(outcome.data.hosts.map((one) => [one.host, one]));
            const results = hosts.map((host) => {
              const { result = "failed", message = "" } = told.get(host) ?? told.get(stack.name) ?? {};
              run.tell({ type: "host", stack: stack.name, host, result, message, by: "engine" });
              return [host, result] as const;
            });
            return { hosts: Object.fromEntries(results), proved: outcome.data.proved };
          }
          const ended = outcome !== undefined || found?.state === "failed" || found?.state === "cancelled";
          if (ended || run.interrupt.aborted) {
            const message = ended
              ? `its job ended as ${found?.state}: ${JSON.stringify(found?.output)}`
              : "no longer followed; its job goes on";
            for (const host of hosts)
              run.tell({ type: "host", stack: stack.name, host, result: "failed", message });
            return {
              hosts: Object.fromEntries(hosts.map((host) => [host, "failed" as const])),
              proved: false,
            };
          }
          await pause();
        }
      },
      end: async () => {
        await words?.end();
        await boss.stop({ graceful: false });
      },
    };
  };
};
