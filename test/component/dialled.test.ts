import { release } from "node:os";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectionTo, startSshd, type Sshd } from "../support/sshd.ts";

const DIALLED = new URL("../../stacks/dialled.ts", import.meta.url).href;
const ASKED = new URL("../../stacks/asked.ts", import.meta.url).href;
let sshd: Sshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

/** A host description that leads to the server. */
const host = (changes: object = {}): object => ({
  connection: {
    ...connectionTo(sshd),
    ...changes,
  },
});

/** Runs a program in its own process with this configuration, and with Node's --import as in Pulumi.yaml. */
const program = async (
  config: Readonly<Record<string, unknown>>,
  code: string,
  imported = DIALLED,
): Promise<Readonly<Record<string, unknown>>> => {
  const texts = Object.entries(config).map(([key, value]) => [key, JSON.stringify(value)]);
  const { stdout } = await execa(
    process.execPath,
    [`--import=${imported}`, "--input-type=module", "-e", code],
    { env: { PULUMI_CONFIG: JSON.stringify(Object.fromEntries(texts)) }, timeout: 15_000 },
  );
  return JSON.parse(stdout) as Record<string, unknown>;
};

/** Prints each connected host's answer to `echo`, or its error. */
const ASK = `
const { dialledHosts } = await import(${JSON.stringify(DIALLED)});
const said = {};
for (const [name, { connection, shell }] of await dialledHosts()) {
  let heard = "";
  said[name] = await shell.ask("echo over stdin; exit 3", (chunk) => (heard += chunk)).then(
    ({ stdout, code }) => {
      const text = Buffer.from(stdout).toString();
      return [connection.port, code, text.replace("libvirt=socket\\n", ""), text === heard];
    },
    (error) => error.message,
  );
  shell.end();
}
console.log(JSON.stringify(said));`;

test("hosts are dialled as the configuration says, with their shared settings; the process ends by itself", async () => {
  const hosts = { one: host(), two: {}, three: host({ port: 1 }), four: "no description" };
  const said = await program({ "vfio-fleet:hosts": hosts, "vfio-fleet:defaults": host() }, ASK);
  const answer = [sshd.port, 3, "over stdin\n", true];
  expect(said).toEqual({ one: answer, two: answer, three: expect.stringContaining("connection refused") });
});

test("configuration keys with config: from an older language host work too", async () => {
  expect(Object.keys(await program({ "vfio-fleet:config:hosts": { one: host() } }, ASK))).toEqual(["one"]);
});

test("a host that refused before the program asked keeps nothing alive", async () => {
  // By then the thread has its answer, and the program finds it later.
  const late = `await new Promise((resolve) => setTimeout(resolve, 700));${ASK}`;
  expect(await program({ "vfio-fleet:hosts": { one: host({ port: 1 }) } }, late)).toEqual({
    one: expect.stringContaining("connection refused"),
  });
});

test("a program that asks for no host does not wait for them; a strange configuration is left to the program", async () => {
  expect(await program({ "vfio-fleet:hosts": { one: host() } }, "console.log('{}')")).toEqual({});
  expect(await program({ "vfio-fleet:hosts": ["odd"] }, ASK)).toEqual({});
  expect(await program({}, ASK)).toEqual({});
});

test("hosts are probed before the program begins; with mistakes in a stack, none is probed", async () => {
  const told = `
const { askedHosts } = await import(${JSON.stringify(ASKED)});
const said = {};
for (const [name, { facts, libvirt }] of askedHosts)
  said[name] = await facts.then(async ({ kernel }) => [kernel, typeof (await libvirt)], (error) => error.message);
console.log(JSON.stringify(said));`;
  const cards = { gpu: { address: "0000:03:00.0", ids: ["10de:1c81"] } };
  const hosts = { one: { ...host(), cards }, two: { ...host({ port: 1 }), cards } };
  expect(await program({ "vfio-fleet:hosts": hosts }, told, ASKED)).toEqual({
    one: [release(), "boolean"],
    two: expect.stringContaining("connection refused"),
  });
  const mistaken = { ...hosts, three: { ...host(), cards: "none" } };
  expect(await program({ "vfio-fleet:hosts": mistaken }, told, ASKED)).toEqual({});
});
