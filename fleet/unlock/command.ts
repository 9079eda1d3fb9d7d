import type { Command } from "commander";
import type { UnlockOptions } from "./unlock.ts";

/** `vfio-fleet unlock`: who is at work on a host, and a way to end a lock whose owner is dead. */
export const registerUnlock = (program: Command): void => {
  program
    .command("unlock")
    .description("say who has the lock of a host; with --since, break it")
    .argument("<target>", "a stack, or an SSH target: user@host or user@host:port")
    .option("--since <moment>", "break the lock that was taken at this moment, as unlock shows it")
    .option("--identity <file>", "private key for an SSH target")
    .option("--host-key <line>", "the SSH target's public host key, as its ssh_host_ed25519_key.pub holds it")
    .option("--ssh-config <file>", "ssh_config file for an SSH target; ~/.ssh/config unless said otherwise")
    .addHelpText(
      "after",
      "\nA lock is never broken under a step that is at work, and the run that had it cannot go on afterwards." +
        "\nExit status: 0, 1 when a lock was not broken, 2 when a host could not be asked.",
    )
    .action(async (target: string, options: UnlockOptions) => {
      const { unlock } = await import("./unlock.ts");
      process.exitCode = await unlock(target, options);
    });
};
