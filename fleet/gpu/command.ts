import { type Command, InvalidArgumentError } from "commander";
import type { HandOverOptions, ReleaseOptions } from "./hand-over.ts";
import type { ListOptions } from "./list.ts";

const seconds = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 3600) return value;
  throw new InvalidArgumentError("expected whole seconds from 1 to 3600.");
};

const EXIT = "\nExit status: 0 done, 1 the host refused or could not do it, 2 it could not be asked.";

const withHandOverOptions = (command: Command): Command =>
  command
    .option("--stack <stack>", "the stack that is meant; every stack with a file unless set")
    .option(
      "--timeout <seconds>",
      "how long a guest may take to shut down; the longest shutdownTimeoutSeconds of the host's domains unless set",
      seconds,
    )
    .option("--force", "power a guest off that has not shut down by then: it may lose data");

/** `vfio-fleet gpu …`: who has which card, and moving cards between domains. */
export const registerGpu = (program: Command): void => {
  const gpu = program
    .command("gpu")
    .description("show which domain has which card, and move cards between domains");

  gpu
    .command("list")
    .description("the cards of a stack's hosts: who has each, and which domains list it; changes nothing")
    .argument("[stack]", "a stack; every stack that has a file with --all")
    .option("--all", "every stack that has a file")
    .addHelpText("after", "\nExit status: 0, or 2 when a host could not be asked.")
    .action(async (stack: string | undefined, options: ListOptions) => {
      const { listCards } = await import("./list.ts");
      process.exitCode = await listCards(stack, options);
    });

  const handOver = (name: "assign" | "switch", description: string, card: string, after: string): void => {
    withHandOverOptions(
      gpu
        .command(name)
        .description(description)
        .argument("<card>", card)
        .requiredOption(
          "--to <domain>",
          "the domain, or HOST/DOMAIN where several hosts have one of that name",
        ),
    )
      .addHelpText("after", `${after}${EXIT}`)
      .action(async (wanted: string, options: HandOverOptions) => {
        const { handOver } = await import("./hand-over.ts");
        process.exitCode = await handOver(name, wanted, options);
      });
  };
  handOver(
    "assign",
    "start a domain with a free card",
    "a card of the stack, HOST/CARD, or any: a free one, on any of the hosts that have the domain",
    "\nA card that a running domain has is not taken from it: that is what switch is for.",
  );
  handOver(
    "switch",
    "shut the domain down that has a card, and start another one with it",
    "a card of the stack, or HOST/CARD",
    "\nThe holder is asked to shut down and waited for; it runs again when the other domain does not start." +
      "\nTwo calls at once are taken one after the other.",
  );

  withHandOverOptions(
    gpu
      .command("release")
      .description("shut the domain down that has a card, so that it is free")
      .argument("<card>", "a card of the stack, or HOST/CARD"),
  )
    .addHelpText("after", EXIT)
    .action(async (card: string, options: ReleaseOptions) => {
      const { releaseCard } = await import("./hand-over.ts");
      process.exitCode = await releaseCard(card, options);
    });
};
