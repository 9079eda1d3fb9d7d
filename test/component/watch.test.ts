import { spawn, spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resolveConnection, type Connection } from "../../components/ssh/connection.ts";
import { watchHost } from "../../components/probe/watch.ts";
import type { Facts } from "../../components/facts/facts.ts";
import { connectionTo, startSshd, type Sshd } from "../support/sshd.ts";

let sshd: Sshd;
let connection: Connection;
beforeAll(async () => {
  sshd = await startSshd();
  const found = resolveConnection("connection", connectionTo(sshd));
  if (!found.ok) throw new Error(JSON.stringify(found.problems));
  connection = found.value;
});
afterAll(() => sshd.stop());

const target = (): string[] => [
  `${sshd.user}@127.0.0.1:${sshd.port}`,
  "--identity",
  sshd.privateKeyFile,
  "--host-key",
  sshd.hostKey,
  "--ssh-config",
  "/dev/null",
];

test("one connection gives answer after answer until it is closed", async () => {
  const stop = new AbortController();
  const answers: Facts[] = [];
  await watchHost(
    connection,
    1,
    (facts) => {
      answers.push(facts);
      if (answers.length === 3) stop.abort();
    },
    stop.signal,
  );
  expect(answers).toHaveLength(3);
  for (const facts of answers) {
    expect(facts.bootId).toBe(answers[0]?.bootId);
    expect(facts.survey?.temperatures).toBeDefined();
  }
});

test("a host with another key is an error", async () => {
  const stranger = { ...connection, hostKey: sshd.otherHostKey };
  const watching = watchHost(stranger, 1, () => {}, new AbortController().signal);
  await expect(watching).rejects.toThrow("wrong host key");
});

test("vfio-fleet watch --once prints one answer over real SSH, and inspect shows the same host", () => {
  const run = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, ["fleet/main.ts", ...args], { encoding: "utf8", timeout: 25_000 });
  const watched = run("watch", ...target(), "--once");
  expect(watched.stderr).toBe("");
  expect(watched.status).toBe(0);
  expect(watched.stdout).toContain("Held by");
  const inspected = run("inspect", ...target(), "--json");
  expect(inspected.status).toBe(0);
  expect(JSON.parse(String(inspected.stdout))).toMatchObject({ masked: true, hosts: [{ name: "host-1" }] });
});

test("Ctrl-C ends it with exit status 0", async () => {
  const child = spawn(process.execPath, ["fleet/main.ts", "watch", ...target(), "--interval", "1"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
  });
  let said = "";
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      // Before the first answer only the head is shown.
      if (
        said.includes("Held by") &&
        !said.endsWith("probing …") &&
        /display|[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/.test(said)
      )
        resolve();
    });
  });
  child.kill("SIGINT");
  expect(await ended).toBe(0);
});
