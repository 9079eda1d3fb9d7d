import type { Command } from "commander";
import type { UnlockOptions } from "./unlock.ts";

/** `vfio-fleet unlock`: shows who holds a host's lock, and breaks the lock of a dead owner. */
export const registerUnlock = (program: Command): void => {
  program
    .command("unlock")
    .description("show who holds a host's lock; with --since, break it")
    .argument("<target>", "a stack, or an SSH target: user@host or user@host:port")
    .option("--since <moment>", "break the lock that was taken at this moment, as unlock prints it")
    .option("--identity <file>", "private key for an SSH target")
    .option("--host-key <line>", "the SSH target's public host key, as its ssh_host_ed25519_key.pub holds it")
    .option("--ssh-config <file>", "ssh_config file for an SSH target; the default is ~/.ssh/config")
    .addHelpText(
      "after",
      "\nA lock is never broken while a step is running, and its former owner cannot go on afterwards." +
        "\nExit status: 0, 1 when a lock was not broken, 2 when a host could not be probed.",
    )
    .action(async (target: string, options: UnlockOptions) => {
      const { unlock } = await import("./unlock.ts");
      process.exitCode = await unlock(target, options);
    });
};
