/**
 * `npm run demo [-- lab-fx8350]`, after setup: starts a lab host and turns it into a passthrough host through the
 * real `pulumi preview` and `pulumi up`. Then it starts the domain and prints what the host shows. `npm run
 * demo:down` removes everything.
 */
import Table from "cli-table3";
import { execa } from "execa";
import { join } from "node:path";
import { styleText } from "node:util";
import { listHosts, startHost, stopHost } from "./host.ts";
import type { HostName } from "./hosts.ts";
import { readProofs } from "./proofs.ts";

const ROOT = join(import.meta.dirname, "..");
const STACKS = ["lab-xeon", "lab-fx8350"] as const satisfies readonly HostName[];
type Stack = (typeof STACKS)[number];

const started = performance.now();
const heading = (text: string): void => {
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`\n${styleText("bold", `== ${text}`)} ${styleText("dim", `(${seconds} s)`)}`);
};

const pulumi = (args: readonly string[]) =>
  execa(join(ROOT, "toolchain/pulumi"), args, { cwd: ROOT, stdio: "inherit", reject: false });
const quietly = (args: readonly string[]) =>
  execa(join(ROOT, "toolchain/pulumi"), args, { cwd: ROOT, stdio: "pipe", reject: false });

const stop = (text: string): never => {
  console.error(`\n${text}`);
  process.exit(1);
};

const must = async (args: readonly string[]): Promise<void> => {
  const { exitCode } = await pulumi(args);
  if (exitCode !== 0)
    stop(
      `pulumi ${args.join(" ")} ended with exit status ${exitCode}. The host stays as it is: log in with npm run lab -- ssh, or remove it with npm run demo:down.`,
    );
};

const show = async (stack: Stack): Promise<boolean> => {
  const proofs = await readProofs(stack);
  const table = new Table({
    head: ["what", "what the host shows"],
    style: { head: [], border: [] },
    colWidths: [30, 68],
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  table.push(...proofs.map(({ what, shown, holds }) => [`${holds ? "✓" : "✗"} ${what}`, shown]));
  console.log(table.toString());
  return proofs.every(({ holds }) => holds);
};

const up = async (stack: Stack): Promise<void> => {
  heading(`the lab host ${stack}`);
  const known = listHosts().some(({ name }) => name === stack);
  // With the state of a removed host, Pulumi would take a new host for one that is set up already.
  if (!known) await quietly(["stack", "rm", "--force", "--yes", "--preserve-config", stack]);
  await startHost(stack, { onProgress: (line) => console.log(line) });
  await quietly(["stack", "init", stack]);

  heading(`pulumi preview --stack ${stack}: what would change on the host`);
  await must(["preview", "--stack", stack, "--suppress-progress"]);

  heading(`pulumi up --stack ${stack}: a trial boot, its proof, then the domain`);
  await must(["up", "--yes", "--skip-preview", "--stack", stack]);

  heading("what the host shows, over plain ssh");
  const proved = await show(stack);
  const next = [
    [`npm run pulumi -- preview --stack ${stack}`, "nothing to change"],
    [`npm run lab -- ssh ${stack}`, "edit /etc/modprobe.d/vfio.conf, preview again"],
    [`npm run lab -- screenshot ${stack} host.png`, "the host's own screen"],
    [`ssh -F .lab/ssh_config -NL 5900:127.0.0.1:5900 ${stack}`, "the domain's screen: VNC at 127.0.0.1:5900"],
    [`npm run pulumi -- destroy --stack ${stack}`, "restore the host to its original state"],
    ["npm run demo:down", "remove the hosts and their disks"],
  ] as const;
  const width = Math.max(...next.map(([command]) => command.length));
  console.log("\nThe host keeps running. Try:");
  for (const [command, what] of next) console.log(`  ${command.padEnd(width)}  ${what}`);
  if (!proved) stop("Some checks failed: see the lines with ✗.");
};

const down = async (): Promise<void> => {
  for (const stack of STACKS) {
    await stopHost(stack);
    await quietly(["stack", "rm", "--force", "--yes", "--preserve-config", stack]);
    console.log(`${stack}: removed, with its disks and its stack's state`);
  }
};

const [wanted = "lab-xeon"] = process.argv.slice(2);
const stack = STACKS.find((name) => name === wanted);
if (wanted === "down") await down();
else if (stack) await up(stack);
else stop(`there is no demo ${wanted}; choose ${STACKS.join(" or ")}`);
