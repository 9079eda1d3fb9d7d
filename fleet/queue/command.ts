import { type Command, InvalidArgumentError } from "commander";
import type { WorkerOptions } from "./worker.ts";

const count = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("expected a whole number from 1 on.");
};

/** `vfio-fleet worker`: runs the jobs that `up --queue` files, on any number of machines. */
export const registerWorker = (program: Command): void => {
  program
    .command("worker")
    .description(
      "run the jobs of vfio-fleet up --queue until Ctrl-C; start it on any number of machines with this checkout",
    )
    .option("--database <url>", "PostgreSQL with the jobs; the default is the one with Pulumi's states")
    .option("--parallel <count>", "number of stacks at a time", count)
    .action(async (options: WorkerOptions) => {
      const { work } = await import("./worker.ts");
      process.exitCode = await work(options);
    });
};
