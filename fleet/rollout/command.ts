import { type Command, InvalidArgumentError } from "commander";
import type { FleetOperation, FleetOptions } from "./options.ts";
import { parseWaveSize, type WaveSize } from "./waves.ts";

const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} on.`);
  };

const waveSize = (text: string): WaveSize => {
  const size = parseWaveSize(text);
  if (size.ok) return size.value;
  throw new InvalidArgumentError(size.problems.map(({ remedy }) => `expected ${remedy}.`).join(" "));
};

const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

const EXIT = "\nExit status: 0, 2 when something would change, 1 when something failed.";

const withSelection = (command: Command): Command =>
  command
    .argument("[stacks...]", "stacks by name")
    .option("--all", "every stack that has a file")
    .option("--label <key=value>", "stacks with this label; again for more, all have to fit", collect)
    .option("--parallel <count>", "so many stacks at a time", whole(1))
    .option("--json", "print one JSON object for each event");

const action =
  (operation: FleetOperation) =>
  async (stacks: readonly string[], options: FleetOptions): Promise<void> => {
    const { runFleet } = await import("./rollout.ts");
    process.exitCode = await runFleet(operation, stacks, options);
  };

/** `vfio-fleet status`, `preview`, `up` and `destroy`: many stacks at once. */
export const registerFleet = (program: Command): void => {
  withSelection(
    program.command("status").description("say which hosts are as their stacks want them; changes nothing"),
  )
    .option(
      "--engine",
      "ask Pulumi's engine for every stack, also where the host alone shows that it is clean",
    )
    .addHelpText("after", EXIT)
    .action(action("status"));
  withSelection(
    program.command("preview").description("the same, with what would change in detail; changes nothing"),
  )
    .option(
      "--engine",
      "ask Pulumi's engine for every stack, also where the host alone shows that it is clean",
    )
    .addHelpText("after", EXIT)
    .action(action("preview"));
  withSelection(
    program.command("up").description("make hosts what their stacks want, all at once or in waves"),
  )
    .option(
      "--engine",
      "run Pulumi's engine for every stack, also where the host alone shows that it is clean",
    )
    .option("--canary <count>", "so many stacks first, alone", whole(1))
    .option("--wave <size>", "then so many at a time, or a share such as 25%", waveSize)
    .option("--max-failures <count>", "stop when more stacks than this have failed", whole(0))
    .option("--afresh", "do not go on with an earlier roll-out of these stacks")
    .option("--queue", "leave the work to vfio-fleet worker, wherever those run, and follow it")
    .option("--database <url>", "PostgreSQL with the jobs; that of Pulumi's states unless said otherwise")
    .addHelpText(
      "after",
      "\nA wave begins when every host of the one before has shown what is wanted.\nExit status: 0, or 1 when something failed or was not begun.",
    )
    .action(action("up"));
  withSelection(program.command("destroy").description("take back what the stacks did on their hosts"))
    .option("--yes", "without it nothing is done")
    .addHelpText("after", "\nExit status: 0, or 1 when something failed.")
    .action(action("destroy"));
};
