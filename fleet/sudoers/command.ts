import type { Command } from "commander";

/** `vfio-fleet sudoers`: what lets a plain login work on a host without being allowed everything. */
export const registerSudoers = (program: Command): void => {
  program
    .command("sudoers")
    .description("print a sudoers file that limits logins to vfio-fleet's own programs")
    .argument("<login...>", "the logins of connection.user")
    .option("--setup", "print the script that puts it and the programs on a host, to be run there as root")
    .addHelpText(
      "after",
      "\nAn administrator runs it once on each host, and again when a preview says that the programs are of another version:" +
        "\n  npm run -s vfio-fleet -- sudoers op --setup | ssh admin@host sudo sh" +
        "\nThe login's line in authorized_keys may begin with 'restrict,port-forwarding'. SECURITY.md says what this protects.",
    )
    .action(async (logins: readonly string[], { setup }: { readonly setup?: true }) => {
      const { isSudoersLogin, setupScript, sudoersFile } = await import("../../components/agent/sudoers.ts");
      const { CommandError } = await import("../ground/command-error.ts");
      const wrong = logins.filter((login) => !isSudoersLogin(login));
      if (wrong.length > 0)
        throw new CommandError(
          `no login for a sudoers file: ${wrong.join(", ")}; lower-case letters, digits, '_', '-' and '.' are expected`,
        );
      process.stdout.write(setup ? setupScript(logins) : sudoersFile(logins));
    });
};
