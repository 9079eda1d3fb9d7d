import type { Command } from "commander";
import type { InspectOptions } from "./inspect.ts";
import { withFactsOptions } from "../targets/facts-options.ts";

/** `vfio-fleet inspect`: shows a host, and which of its cards can be handed to a guest. */
export const registerInspect = (program: Command): void => {
  withFactsOptions(
    program
      .command("inspect")
      .description(
        "show a host's IOMMU groups, cards, drivers and domains; needs no stack and changes nothing",
      )
      .argument("[target]", "a stack, or an SSH target: user@host or user@host:port")
      .option("--all", "show every module and parameter, not only those that matter for passthrough")
      .option("--json", "print JSON (docs/facts.schema.json)")
      .option("--save <file>", "write the same JSON to a new file, for example for a bug report")
      .option("--unmasked", "do not mask names, addresses and serial numbers in --json and --save"),
  )
    .addHelpText("after", "\nExit status: 0, or 2 when a host could not be probed.")
    .action(async (target: string | undefined, options: InspectOptions) => {
      const { inspect } = await import("./inspect.ts");
      process.exitCode = await inspect(target, options);
    });
};
