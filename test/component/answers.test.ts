import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { setupScript, sudoersFile } from "../../components/agent/sudoers.ts";
import { hostFile } from "../fixtures/hosts.ts";
import { freePort } from "../support/sshd.ts";

/** What a command prints for a program or a file is all that its standard output holds, with setup in front of it. */
const REPOSITORY = new URL("../..", import.meta.url).pathname;
const STACK = `test-answers-${process.pid}`;
const FILE = join(REPOSITORY, `stacks/Pulumi.${STACK}.yaml`);
const NO_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

let folder: string;
const rom = (): string => join(folder, "card.rom");
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vfio-fleet-answers-"));
  writeFileSync(rom(), "no ROM, which is an answer as well");
  writeFileSync(join(folder, "key"), "a key that nobody asks for");
  // nothing listens there: what is said of a host that does not answer is JSON as well
  const connection = { host: "127.0.0.1", port: await freePort(), privateKeyFile: join(folder, "key") };
  const hosts = { host: { connection: { ...connection, hostKey: NO_KEY } } };
  writeFileSync(FILE, JSON.stringify({ config: { "vfio-fleet:hosts": hosts } }));
});
afterAll(() => {
  rmSync(FILE, { force: true });
  rmSync(folder, { recursive: true });
});

const saved = ["--from", hostFile("xeon-e5-v3")];
/** Every command that has --json, and how it is called. */
const COMMANDS: Readonly<Record<string, () => readonly (readonly string[])[]>> = {
  doctor: () => [saved, ["--rules"]],
  inspect: () => [saved],
  "rom show": () => [[rom()]],
  status: () => [[STACK]],
  preview: () => [[STACK]],
  up: () => [[STACK]],
  destroy: () => [[STACK, "--yes"]],
};

const run = (script: string, args: readonly string[]) =>
  execa("npm", ["run", "-s", script, "--", ...args], { cwd: REPOSITORY, reject: false, stdin: "ignore" });

/** Names of the commands below this one that have --json. */
const withJson = (command: Command, prefix = ""): string[] =>
  command.commands.flatMap((one) => [
    ...(one.options.some(({ long }) => long === "--json") ? [prefix + one.name()] : []),
    ...withJson(one, `${prefix}${one.name()} `),
  ]);

test("each command with --json is called below", async () => {
  const program = new Command();
  for (const name of readdirSync(join(REPOSITORY, "fleet"))) {
    const path = join(REPOSITORY, "fleet", name, "command.ts");
    if (!existsSync(path)) continue;
    const registered = (await import(path)) as Record<string, (program: Command) => void>;
    for (const register of Object.values(registered)) register(program);
  }
  expect(withJson(program).sort()).toEqual(Object.keys(COMMANDS).sort());
});

/** Milliseconds: npm, setup and the program start one after the other. */
const PATIENCE = 120_000;

test.each(Object.keys(COMMANDS))(
  "%s --json prints JSON and nothing else",
  { timeout: PATIENCE },
  async (name) => {
    for (const args of COMMANDS[name]?.() ?? []) {
      const { stdout, stderr } = await run("vfio-fleet", [...name.split(" "), ...args, "--json"]);
      // one document, or one a line
      const documents = stdout.startsWith("{\n") || stdout.startsWith("[\n") ? [stdout] : stdout.split("\n");
      for (const text of documents) expect(JSON.parse(text)).toBeTypeOf("object");
      expect(stderr).toMatch(/^npm {2}.*node_modules/m);
    }
  },
);

test(
  "the lab's hosts as JSON, and a sudoers file and its script as a host is to get them",
  { timeout: PATIENCE },
  async () => {
    const lab = await run("lab", ["status", "--json"]);
    expect(JSON.parse(lab.stdout)).toHaveProperty("hosts");
    const sudoers = await run("vfio-fleet", ["sudoers", "op"]);
    expect(`${sudoers.stdout}\n`).toBe(sudoersFile(["op"]));
    const script = await run("vfio-fleet", ["sudoers", "op", "--setup"]);
    expect(`${script.stdout}\n`).toBe(setupScript(["op"]));
  },
);
