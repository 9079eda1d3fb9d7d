import { programDigest } from "../stack/clean/program.ts";
import type { FleetOptions } from "../rollout/options.ts";
import type { RunStacks } from "../rollout/run-stacks.ts";
import type { StackResult } from "../rollout/stack-run.ts";
import { describeTrouble } from "../ground/database.ts";
import { waitFor } from "../ground/wait-for.ts";
import { databaseUrl, jobSchema, outcomeSchema, QUEUE, startBoss, whoAmI, type Job } from "./boss.ts";
import { hearWords, openWords } from "./listen.ts";
import { configDigest } from "./worker.ts";

/** Milliseconds between two reads of a job. */
const LOOK = 1000;

type Following = Parameters<RunStacks>[0];

/**
 * Retries a query until the database answers. An outage is reported once. The result is undefined when the wait was
 * interrupted.
 */
const patience = ({ interrupt, tell }: Following) => {
  let told = "";
  return <T>(ask: () => Promise<T>): Promise<T | undefined> => {
    const look = async (): Promise<T | undefined> => {
      try {
        const answer = await ask();
        told = "";
        return answer;
      } catch (error) {
        const trouble = describeTrouble(error);
        if (trouble !== told)
          tell({ type: "note", text: `the database does not answer (${trouble}); waiting for it` });
        told = trouble;
        return undefined;
      }
    };
    return waitFor(look, { interval: LOOK, signal: interrupt });
  };
};

/**
 * Files a job for each stack and follows it until a worker has done it. A job that is under way already is followed
 * as it is. So a roll-out that was killed finds its own jobs again.
 */
export const queued = async (options: FleetOptions): Promise<RunStacks> => {
  const url = databaseUrl(options.database);
  // the query reports the same error
  const boss = await startBoss(url, () => {});
  const words = await openWords(url);
  const program = programDigest();
  const stackOfJob = new Map<string, string>();
  return (run) => {
    void hearWords(words, ({ job, host, step }) => {
      const stack = stackOfJob.get(job);
      if (stack !== undefined) run.tell({ type: "step", stack, host, step });
    });
    const patiently = patience(run);
    const file = async (job: Job): Promise<string | undefined> => {
      const sent = await patiently(() => boss.send(QUEUE, job, { singletonKey: job.stack }));
      if (sent !== null) return sent;
      const found = await patiently(() => boss.findJobs<unknown>(QUEUE, { key: job.stack }));
      if (!found) return undefined;
      const open = found.find(({ state }) => ["created", "retry", "active"].includes(state));
      // The job ended between the two queries.
      if (!open) return file(job);
      const { by } = jobSchema.parse(open.data);
      run.tell({ type: "note", text: `${job.stack}: ${by} has filed this job already; following it` });
      return open.id;
    };
    return {
      run: async (stack): Promise<StackResult> => {
        const hosts = stack.targets.map(({ name }) => name);
        const failed = (message: string): StackResult => {
          for (const host of hosts)
            run.tell({ type: "host", stack: stack.name, host, result: "failed", message });
          return { hosts: Object.fromEntries(hosts.map((host) => [host, "failed" as const])), proved: false };
        };
        const job = {
          stack: stack.name,
          engine: run.engine,
          program,
          config: configDigest(stack),
          by: whoAmI(),
        };
        const id = await file(job);
        if (id === undefined) return failed("cancelled: its job was not filed");
        stackOfJob.set(id, stack.name);
        for (const host of hosts)
          run.tell({ type: "step", stack: stack.name, host, step: "waiting for a worker" });
        const ended = async (): Promise<StackResult | undefined> => {
          const [found] = (await patiently(() => boss.findJobs(QUEUE, { id }))) ?? [];
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
          return outcome !== undefined || found?.state === "failed" || found?.state === "cancelled"
            ? failed(`its job ended as ${found?.state}: ${JSON.stringify(found?.output)}`)
            : undefined;
        };
        const result = await waitFor(ended, { interval: LOOK, signal: run.interrupt });
        return result ?? failed("no longer followed; its job goes on");
      },
      end: async () => {
        await words?.end();
        await boss.stop({ graceful: false });
      },
    };
  };
};
