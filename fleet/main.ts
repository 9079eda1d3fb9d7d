import "../quick-load.ts";
import { Command, CommanderError } from "commander";
import { CommandError } from "./ground/command-error.ts";
import { registerDoctor } from "./doctor/command.ts";
import { registerFleet } from "./rollout/command.ts";
import { registerInit } from "./init/command.ts";
import { registerGpu } from "./gpu/command.ts";
import { registerInspect } from "./inspect/command.ts";
import { registerReport } from "./report/command.ts";
import { registerSudoers } from "./sudoers/command.ts";
import { registerUnlock } from "./unlock/command.ts";
import { registerRom } from "./rom/command.ts";
import { registerWatch } from "./watch/command.ts";
import { registerWorker } from "./queue/command.ts";
import { printableLines } from "./ground/terminal.ts";

/**
 * The program `vfio-fleet`. Every command registers itself from its own file. It imports its work only when it runs,
 * so that the program starts quickly.
 *
 * Exit status: 0 done; 1 done with a negative answer (a ROM that cannot work, a check that fails); 2 not done. The
 * commands over many stacks follow `pulumi preview --expect-no-changes`: 2 something would change, 1 not done.
 */
const program = new Command("vfio-fleet")
  .description("Hand whole GPUs to virtual machines, on one Linux host or a rack of them.")
  .showHelpAfterError()
  .exitOverride();

registerDoctor(program);
registerFleet(program);
registerInit(program);
registerGpu(program);
registerInspect(program);
registerReport(program);
registerSudoers(program);
registerUnlock(program);
registerRom(program);
registerWatch(program);
registerWorker(program);

// `vfio-fleet … | head` closes the pipe early. The reader chose to stop, so it is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed the help or the mistake in the arguments.
    const overStacks = ["status", "preview", "up", "destroy"].includes(process.argv[2] ?? "");
    process.exitCode = error.exitCode === 0 ? 0 : overStacks ? 1 : 2;
  } else if (error instanceof CommandError) {
    console.error(`vfio-fleet: ${printableLines(error.message)}`);
    process.exitCode = error.exitCode;
  } else {
    throw error;
  }
}
