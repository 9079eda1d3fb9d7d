import type { Command } from "commander";
import type { ReportOptions } from "./write-report.ts";

/** `vfio-fleet report`: writes the fleet as one page. */
export const registerReport = (program: Command): void => {
  program
    .command("report")
    .description("write one HTML page with hosts, cards, IOMMU groups and domains; it needs no network")
    .argument("[target]", "a stack, or an SSH target: user@host or user@host:port")
    .requiredOption("-o, --output <file>", "the page to write; an older report there is replaced")
    .option("--all", "every stack that has a file")
    .option("--from <file...>", "read files of inspect --save instead of probing")
    .option("--identity <file>", "private key for an SSH target")
    .option("--host-key <line>", "the SSH target's public host key")
    .option("--ssh-config <file>", "ssh_config file for an SSH target")
    .addHelpText("after", "\nExit status: 0, or 2 when a host could not be probed.")
    .action(async (target: string | undefined, options: ReportOptions) => {
      const { report } = await import("./write-report.ts");
      process.exitCode = await report(target, options);
    });
};
