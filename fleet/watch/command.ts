import { type Command, InvalidArgumentError } from "commander";
import type { WatchOptions } from "./watch.ts";

const seconds = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 3600) return value;
  throw new InvalidArgumentError("expected whole seconds from 1 to 3600.");
};

/** `vfio-fleet watch`: shows cards, their holders and kernel errors as they change. */
export const registerWatch = (program: Command): void => {
  program
    .command("watch")
    .description("watch cards, holders, temperatures and kernel errors until Ctrl-C; changes nothing")
    .argument("[target]", "a stack, or an SSH target: user@host or user@host:port")
    .option("--all", "every stack that has a file")
    .option("--interval <seconds>", "time between two answers", seconds, 5)
    .option("--once", "print one answer of each host, then end")
    .option("--identity <file>", "private key for an SSH target")
    .option("--host-key <line>", "the SSH target's public host key")
    .option("--ssh-config <file>", "ssh_config file for an SSH target")
    .addHelpText("after", "\nExit status: 0, or 2 when --once got no answer from a host.")
    .action(async (target: string | undefined, options: WatchOptions) => {
      const { watch } = await import("./watch.ts");
      process.exitCode = await watch(target, options);
    });
};
