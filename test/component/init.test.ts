import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { startBed, type Bed } from "../support/bed/bed.ts";
import { freePort } from "../support/sshd.ts";

/** The real program against real SSH servers. */
const REPOSITORY = new URL("../..", import.meta.url).pathname;
const name = (index: number): string => `test-init-${process.pid}-${index}`;
const file = (index: number): string => join(REPOSITORY, `stacks/Pulumi.${name(index)}.yaml`);

let bed: Bed;
let folder: string;
beforeAll(async () => {
  bed = await startBed(2);
});
afterAll(() => bed.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vfio-fleet-init-"));
});
afterEach(() => {
  for (const index of [0, 1, 2]) rmSync(file(index), { force: true });
  rmSync(folder, { recursive: true });
});

const connection = (index: number) => {
  const found = bed.hosts[index]?.connection;
  if (!found) throw new Error(`no host ${index}`);
  return found;
};
const init = (...args: readonly string[]) =>
  execa("node", ["fleet/main.ts", "init", ...args, "--ssh-config", "/dev/null"], {
    cwd: REPOSITORY,
    preferLocal: true,
    reject: false,
  });
const hostOf = (index: number): Record<string, unknown> => {
  const { config } = parse(readFileSync(file(index), "utf8")) as { config: Record<string, unknown> };
  const hosts = config["vfio-fleet:hosts"] as Record<string, Record<string, unknown>>;
  return hosts[name(index)] ?? {};
};

test("a host with an unapproved key: its cards are written, with the key to compare; an existing file is kept", async () => {
  const { port, user, privateKeyFile, hostKey } = connection(0);
  const args = [name(0), "--host", `${user}@127.0.0.1:${port}`, "--identity", privateKeyFile];
  const made = await init(...args);
  expect(made.stderr).toBe("");
  expect(made.stdout).toContain("compare the host key");
  expect(hostOf(0)).toMatchObject({ connection: { host: "127.0.0.1", port, privateKeyFile } });
  expect(Object.values(hostOf(0)["cards"] as object)).toContainEqual({
    address: "0000:01:00.0",
    ids: ["10de:1c81", "10de:0fb9"],
  });
  expect(hostOf(0)["connection"]).not.toHaveProperty("hostKey");
  expect(readFileSync(file(0), "utf8")).toContain(`#hostKey: "${hostKey}"`);
  const again = await init(...args);
  expect(again.exitCode).toBe(2);
  expect(again.stderr).toContain("these stack files exist already");
});

test("with a list of hosts, those that answer get their files, and the others are named", async () => {
  const rows = [0, 1].map((index) => {
    const { port, user, privateKeyFile, hostKey } = connection(index);
    return `${name(index)},127.0.0.1,${user},${port},${privateKeyFile},${hostKey},a`;
  });
  const list = join(folder, "hosts.csv");
  const dead = `${name(2)},127.0.0.1,root,${await freePort()},${connection(0).privateKeyFile},${connection(0).hostKey},b`;
  writeFileSync(list, ["stack,host,user,port,identity,host_key,label:rack", ...rows, dead, ""].join("\n"));
  const { exitCode, stderr } = await init("--from", list);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(new RegExp(`^${name(2)}: .*connection refused`));
  for (const index of [0, 1]) {
    expect(hostOf(index)).toMatchObject({ connection: { hostKey: connection(index).hostKey } });
    expect(readFileSync(file(index), "utf8")).toContain('"rack": "a"');
  }
  expect(existsSync(file(2))).toBe(false);
});
