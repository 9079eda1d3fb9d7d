import type { Command } from "commander";

/** The options of every command that probes hosts or reads saved facts. */
export const withFactsOptions = (command: Command): Command =>
  command
    .option("--from <file>", "read a file of inspect --save (- for standard input) instead of probing")
    .option("--identity <file>", "private key for an SSH target")
    .option("--host-key <line>", "the SSH target's public host key, as its ssh_host_ed25519_key.pub holds it")
    .option("--ssh-config <file>", "ssh_config file for an SSH target; the default is ~/.ssh/config");
