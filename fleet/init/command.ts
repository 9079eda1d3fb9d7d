import type { Command } from "commander";
import type { InitOptions } from "./write-stacks.ts";

const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** `vfio-fleet init`: writes a stack file from what a real host shows. */
export const registerInit = (program: Command): void => {
  program
    .command("init")
    .description(
      "probe a host and write its stack file, with the cards and groups that were found; changes nothing on the host",
    )
    .argument("[stack]", "name of the new stack and of its host")
    .option("--host <target>", "how to reach the host: host, user@host or user@host:port")
    .option(
      "--from <file>",
      "many hosts: CSV with the columns stack, host, user, port, identity, host_key, label:NAME",
    )
    .option("--label <key=value>", "a label of the stack; repeat it for more", collect)
    .option("--identity <file>", "private key")
    .option("--host-key <line>", "the host's public key, as its ssh_host_ed25519_key.pub holds it")
    .option("--ssh-config <file>", "ssh_config file; the default is ~/.ssh/config")
    .addHelpText(
      "after",
      "\nExit status: 0, 1 when a host could not be probed, 2 when the arguments are wrong.",
    )
    .action(async (stack: string | undefined, options: InitOptions) => {
      const { init } = await import("./write-stacks.ts");
      process.exitCode = await init(stack, options);
    });
};
