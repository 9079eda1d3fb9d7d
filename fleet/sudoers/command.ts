import type { Command } from "commander";

/** `vfio-fleet sudoers`: prints a sudoers file for a plain login that may run only vfio-fleet's programs as root. */
export const registerSudoers = (program: Command): void => {
  program
    .command("sudoers")
    .description("print a sudoers file that limits logins to vfio-fleet's own programs")
    .argument("<login...>", "the logins, as in connection.user")
    .option("--setup", "print a script that installs the file and the programs; run it on the host as root")
    .addHelpText(
      "after",
      "\nAn administrator runs the script once on each host, and again when a preview says that the programs are of another version:" +
        "\n  npm run -s vfio-fleet -- sudoers op --setup | ssh admin@host sudo sh" +
        "\nThe login's line in authorized_keys may begin with 'restrict,port-forwarding'. SECURITY.md says what this protects.",
    )
    .action(async (logins: readonly string[], { setup }: { readonly setup?: true }) => {
      const { isSudoersLogin, setupScript, sudoersFile } = await import("../../components/agent/sudoers.ts");
      const { CommandError } = await import("../ground/command-error.ts");
      const wrong = logins.filter((login) => !isSudoersLogin(login));
      if (wrong.length > 0)
        throw new CommandError(
          `these logins cannot stand in a sudoers file: ${wrong.join(", ")}; expected lower-case letters, digits, '_', '-' and '.'`,
        );
      process.stdout.write(setup ? setupScript(logins) : sudoersFile(logins));
    });
};
