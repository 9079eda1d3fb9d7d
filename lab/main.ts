/** The lab's command line: `npm run lab -- COMMAND`. */
import Table from "cli-table3";
import { Command } from "commander";
import { execa } from "execa";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { followSerial } from "./machine/console.ts";
import { findHost, type LabHost, listHosts, powerCut, startHost, stopHost } from "./host.ts";
import { HOSTS, isHostName, unknownHost } from "./hosts.ts";
import { cacheDir, sshConfigFile } from "./paths.ts";
import { qmp } from "./machine/qmp.ts";
import { labSnapshot, listSnapshots, removeSnapshot } from "./machine/snapshot.ts";

const say = (line: string): void => console.error(line);

const program = new Command("vfio-lab")
  .description("Real Debian hosts in QEMU, with an emulated IOMMU and stand-in GPUs.")
  .enablePositionalOptions()
  .showHelpAfterError();

program
  .command("up")
  .description("start a host, or boot a stopped one again, and wait for ssh")
  .argument("<host>", `one of ${Object.keys(HOSTS).join(", ")}, or an existing instance`)
  .option("--as <name>", "name of the instance, to run a host more than once")
  .option("--fresh", "delete the existing disk and start from the image")
  .option("--from <tag>", "delete the existing disk and start from a snapshot")
  .action(async (host: string, options: { as?: string; fresh?: true; from?: string }) => {
    const existing = listHosts().find(({ name }) => name === host);
    const description = existing?.description ?? host;
    if (!isHostName(description)) throw unknownHost(description);
    const as = options.as ?? existing?.name;
    const up = await startHost(description, { ...options, ...(as !== undefined && { as }), onProgress: say });
    say(`${up.name} is up: ssh -F .lab/ssh_config ${up.name}`);
  });

program
  .command("down")
  .description("end hosts and remove their disks")
  .argument("[host...]")
  .option("--all", "every host, and every snapshot")
  .option("--keep-disk", "shut the host down cleanly, and keep its disk for the next up")
  .action(async (names: string[], { all, keepDisk }: { all?: true; keepDisk?: true }) => {
    if (names.length === 0 && !all) throw new Error("down: name a host, or give --all");
    const hosts = all ? listHosts().map(({ name }) => name) : names;
    for (const name of hosts) {
      await stopHost(name, { keepDisk: keepDisk ?? false });
      say(`${name} is down`);
    }
    if (all && !keepDisk) for (const tag of await listSnapshots()) await removeSnapshot(tag);
    if (hosts.length === 0) say("there is no lab host");
  });

program
  .command("ssh")
  .description("log in, or run a command")
  .argument("<host>")
  .argument("[command...]")
  .option("-l, --login <user>", "user (root, op, opw, nosudo)", "root")
  .passThroughOptions()
  .action(async (name: string, command: string[], { login }: { login: string }) => {
    findHost(name);
    const args = [
      "-F",
      sshConfigFile(),
      "-l",
      login,
      name,
      ...(command.length > 0 ? ["--", ...command] : []),
    ];
    const { exitCode } = await execa("ssh", args, { stdio: "inherit", reject: false });
    process.exitCode = exitCode ?? 255;
  });
program
  .command("status")
  .description("list the hosts")
  .option("--json", "as JSON")
  .action(async ({ json }: { json?: true }) => {
    const hosts = listHosts();
    const snapshots = await listSnapshots();
    if (json) return console.log(JSON.stringify({ cache: cacheDir(), hosts, snapshots }, null, 2));
    if (hosts.length === 0) console.log("There is no lab host. Start one: npm run lab -- up lab-xeon");
    else console.log(table(hosts));
    if (snapshots.length > 0) console.log(`Snapshots: ${snapshots.join(", ")}`);
  });

const table = (hosts: readonly LabHost[]): string => {
  const rows = new Table({
    head: ["host", "state", "ssh port", "description"],
    style: { head: [], border: [] },
  });
  for (const { name, running, sshPort, description } of hosts) {
    rows.push([name, running ? "running" : "off", running ? sshPort : "", HOSTS[description].summary]);
  }
  return rows.toString();
};

program
  .command("power-cut")
  .description("cut the power in the middle of work; up or power-on boots the same disk again")
  .argument("<host>")
  .action(async (name: string) => {
    await powerCut(name);
    say(`${name} has lost its power`);
  });

program
  .command("power-on")
  .description("boot a stopped host from its disk")
  .argument("<host>")
  .action(async (name: string) => {
    const { description } = findHost(name);
    await startHost(description, { as: name, onProgress: say });
    say(`${name} is up`);
  });

program
  .command("console")
  .description("print the host's serial port")
  .argument("<host>")
  .option("-f, --follow", "follow the output")
  .action(async (name: string, { follow }: { follow?: true }) =>
    followSerial(findHost(name), follow ?? false),
  );

program
  .command("screenshot")
  .description("save the picture of a host's display as PNG")
  .argument("<host>")
  .argument("<file>")
  .option("--display <id>", "the card's name, to choose another display than the first")
  .action(async (name: string, file: string, { display }: { display?: string }) => {
    findHost(name);
    const filename = resolve(file);
    await qmp(name, "screendump", {
      filename,
      format: "png",
      ...(display !== undefined && { device: display }),
    });
    if (!existsSync(filename)) throw new Error(`QEMU has not written ${filename}`);
  });

program
  .command("snapshot")
  .description("save the disk of a stopped host as a base for others (up --from TAG)")
  .argument("<host>")
  .argument("<tag>")
  .action(async (name: string, tag: string) => {
    await labSnapshot(name, tag);
    say(`snapshot ${tag} of ${name}`);
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
