import type { Command } from "commander";
import type { DoctorOptions } from "./explain.ts";
import { withFactsOptions } from "../targets/facts-options.ts";

/** `vfio-fleet doctor`: why does it not work? */
export const registerDoctor = (program: Command): void => {
  withFactsOptions(
    program
      .command("doctor")
      .description("look for the known causes of trouble on a host and in its domains, and say what helps")
      .argument("[target]", "a stack, or an SSH target: user@host or user@host:port")
      .argument("[domain]", "only this domain")
      .option("--rules", "list the rules instead")
      .option("--json", "print JSON"),
  )
    .addHelpText(
      "after",
      "\nExit status: 0 when no fault was found, 1 when one was, 2 when a host could not be asked.",
    )
    .action(async (target: string | undefined, domain: string | undefined, options: DoctorOptions) => {
      const { doctor } = await import("./explain.ts");
      process.exitCode = await doctor(target, domain, options);
    });
};
