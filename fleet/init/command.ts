import type { Command } from "commander";
import type { InitOptions } from "./write-stacks.ts";

const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** `vfio-fleet init`: a stack file from what a real host shows. */
export const registerInit = (program: Command): void => {
  program
    .command("init")
    .description("ask a host and write its stack file, cards and groups as they are; changes nothing there")
    .argument("[stack]", "the new stack's name, and its host's")
    .option("--host <target>", "where it is: host, user@host or user@host:port")
    .option(
      "--from <file>",
      "many hosts: CSV with the columns stack, host, user, port, identity, host_key, label:NAME",
    )
    .option("--label <key=value>", "a label of the stack; again for more", collect)
    .option("--identity <file>", "private key")
    .option("--host-key <line>", "the host's public key, as its ssh_host_ed25519_key.pub holds it")
    .option("--ssh-config <file>", "ssh_config file; ~/.ssh/config unless said otherwise")
    .addHelpText("after", "\nExit status: 0, 1 when a host could not be asked, 2 when nothing was tried.")
    .action(async (stack: string | undefined, options: InitOptions) => {
      const { init } = await import("./write-stacks.ts");
      process.exitCode = await init(stack, options);
    });
};
