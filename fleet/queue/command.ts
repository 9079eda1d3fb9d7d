import { type Command, InvalidArgumentError } from "commander";
import type { WorkerOptions } from "./worker.ts";

const count = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("expected a whole number from 1 on.");
};

/** `vfio-fleet worker`: one of the machines that do what `up --queue` files. */
export const registerWorker = (program: Command): void => {
  program
    .command("worker")
    .description(
      "do the jobs of vfio-fleet up --queue until Ctrl-C, on any number of machines with this checkout",
    )
    .option("--database <url>", "PostgreSQL with the jobs; that of Pulumi's states unless said otherwise")
    .option("--parallel <count>", "so many stacks at a time", count)
    .action(async (options: WorkerOptions) => {
      const { work } = await import("./worker.ts");
      process.exitCode = await work(options);
    });
};
