import type { Command } from "commander";
import type { DoctorOptions } from "./explain.ts";
import { withFactsOptions } from "../targets/facts-options.ts";

/** `vfio-fleet doctor`: explains known causes of trouble. */
export const registerDoctor = (program: Command): void => {
  withFactsOptions(
    program
      .command("doctor")
      .description("find known causes of trouble on a host and in its domains, with the remedy")
      .argument("[target]", "a stack, or an SSH target: user@host or user@host:port")
      .argument("[domain]", "check this domain only")
      .option("--rules", "list the rules and probe no host")
      .option("--json", "print JSON"),
  )
    .addHelpText(
      "after",
      "\nExit status: 0 when no fault was found, 1 when one was found, 2 when a host could not be probed.",
    )
    .action(async (target: string | undefined, domain: string | undefined, options: DoctorOptions) => {
      const { doctor } = await import("./explain.ts");
      process.exitCode = await doctor(target, domain, options);
    });
};
