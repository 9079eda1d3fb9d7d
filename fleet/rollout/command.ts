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
    .option("--label <key=value>", "stacks with this label; repeat it to require several", collect)
    .option("--parallel <count>", "number of stacks at a time", whole(1))
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
    program.command("status").description("show which hosts are as their stacks want them; changes nothing"),
  )
    .option("--engine", "run Pulumi's engine for every stack, even if the probe shows that the host is clean")
    .addHelpText("after", EXIT)
    .action(action("status"));
  withSelection(program.command("preview").description("show in detail what would change; changes nothing"))
    .option("--engine", "run Pulumi's engine for every stack, even if the probe shows that the host is clean")
    .addHelpText("after", EXIT)
    .action(action("preview"));
  withSelection(
    program.command("up").description("make hosts what their stacks want, all at once or in waves"),
  )
    .option("--engine", "run Pulumi's engine for every stack, even if the probe shows that the host is clean")
    .option("--canary <count>", "number of stacks that go first, alone", whole(1))
    .option("--wave <size>", "then this number of stacks at a time, or a share such as 25%", waveSize)
    .option("--max-failures <count>", "stop when more stacks than this have failed", whole(0))
    .option("--afresh", "start again instead of resuming an unfinished roll-out of these stacks")
    .option("--queue", "file the work for vfio-fleet worker, on any machines, and follow it")
    .option("--database <url>", "PostgreSQL with the jobs; the default is the one with Pulumi's states")
    .addHelpText(
      "after",
      "\nA wave begins when every host of the wave before is proved.\nExit status: 0, or 1 when something failed or was not begun.",
    )
    .action(action("up"));
  withSelection(program.command("destroy").description("undo what the stacks did on their hosts"))
    .option("--yes", "required: without it nothing is done")
    .addHelpText("after", "\nExit status: 0, or 1 when something failed.")
    .action(action("destroy"));
};
