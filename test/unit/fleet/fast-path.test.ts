import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { backendUrl, parseCheckpoint, stateReader } from "../../../fleet/stack/clean/checkpoint.ts";
import { fingerprint, stateAgrees } from "../../../fleet/stack/clean/fingerprint.ts";
import { programDigest } from "../../../fleet/stack/clean/program.ts";
import { readRecord, writeRecord } from "../../../fleet/stack/clean/records.ts";
import { isStaleLock } from "../../../fleet/rollout/stack-run.ts";

let folder: string | undefined;
afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
});
const temporary = (): string => (folder ??= mkdtempSync(join(tmpdir(), "vfio-fleet-fast-")));
const write = (path: string, content: string | Buffer): void => {
  const at = join(temporary(), path);
  mkdirSync(join(at, ".."), { recursive: true });
  writeFileSync(at, content);
};

const checkpoint = (commands: Readonly<Record<string, string>>, more: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      version: 3,
      checkpoint: {
        stack: "organization/vfio-fleet/rack",
        latest: {
          resources: Object.entries(commands).map(([name, create]) => ({
            urn: `urn:pulumi:rack::vfio-fleet::command:remote:Command::${name}`,
            inputs: { create },
          })),
          ...more,
        },
      },
    }),
  );

const settled = (tokens: Readonly<Record<string, string>>) => ({
  name: "a1",
  state: { kind: "settled" as const, declared: {}, tokens },
});
const agent = "sh -c 'cat >x && echo token=T0 >/var/lib/vfio-fleet/receipts/agent'";

describe("state and host come from the same up", () => {
  const tokens = { "host agent": "T0", boot: "T1", "/etc/x": "T2+reboot" };
  const commands = {
    "a1:host agent": agent,
    "a1:boot": "host boot token=T1",
    "a1:/etc/x": "host file /etc/x 644 token=T2+reboot",
  };

  test("if every token is in the state", () => {
    expect(stateAgrees(parseCheckpoint(checkpoint(commands)), [settled(tokens)])).toBe(true);
  });

  test.each([
    ["another token", { ...commands, "a1:boot": "host boot token=T12" }],
    ["a step that the state lacks", { "a1:host agent": agent, "a1:boot": "host boot token=T1" }],
    [
      "a resource that nothing declares now",
      { ...commands, "a1:/etc/old": "host file /etc/old 644 token=T1" },
    ],
  ])("not with %s", (_, found) => {
    expect(stateAgrees(parseCheckpoint(checkpoint(found)), [settled(tokens)])).toBe(false);
  });

  test("not with a resource that is still to be deleted", () => {
    const left = parseCheckpoint(
      checkpoint(commands, { resources: [{ urn: "urn:pulumi:s::p::t::n", delete: true }] }),
    );
    expect(left.pending).toBe(1);
    expect(stateAgrees({ ...parseCheckpoint(checkpoint(commands)), pending: 1 }, [settled(tokens)])).toBe(
      false,
    );
  });

  test("interrupted operations do not count: the engine only warns of them", () => {
    const found = parseCheckpoint(checkpoint(commands, { pending_operations: [{ type: "creating" }] }));
    expect(stateAgrees(found, [settled(tokens)])).toBe(true);
  });
});

describe("states in a folder", () => {
  test("are found by project or, in the older layout, by stack, even compressed; every change gives another version", async () => {
    write(".pulumi/stacks/vfio-fleet/a.json", checkpoint({ "a1:boot": "one" }));
    write(".pulumi/stacks/b.json.gz", gzipSync(checkpoint({ "b1:boot": "two" })));
    const reader = stateReader(`file://${temporary()}?no_tmp_dir=true`, {});
    const versions = await reader.versions(["a", "b", "c"]);
    expect([...versions.keys()]).toEqual(["a", "b"]);
    expect((await reader.checkpoint("b"))?.commands).toEqual({ "b1:boot": "two" });
    expect(versions.get("a")).toBe((await reader.checkpoint("a"))?.version);
    expect(await reader.checkpoint("c")).toBeUndefined();
    write(".pulumi/stacks/vfio-fleet/a.json", checkpoint({ "a1:boot": "three" }));
    expect((await reader.versions(["a"])).get("a")).not.toBe(versions.get("a"));
  });

  test("the backend comes from the environment, the project or the login", () => {
    write("credentials.json", JSON.stringify({ current: "https://api.pulumi.com" }));
    const home = { PULUMI_HOME: temporary() };
    expect(backendUrl({ ...home, PULUMI_BACKEND_URL: "s3://state" }, "file://~")).toBe("s3://state");
    expect(backendUrl(home, "file://~")).toBe("file://~");
    expect(backendUrl(home, undefined)).toBe("https://api.pulumi.com");
  });
});

describe("the fingerprint", () => {
  const input = { stack: "rack", program: "p", config: "c", hosts: [settled({ boot: "T1" }).state] };
  const print = fingerprint(input);

  test("is equal for equal input", () => {
    expect(fingerprint(structuredClone(input))).toBe(print);
  });

  test.each([
    ["stack", { ...input, stack: "other" }],
    ["program", { ...input, program: "q" }],
    ["configuration", { ...input, config: "d" }],
    ["token", { ...input, hosts: [settled({ boot: "T2" }).state] }],
    ["declaration", { ...input, hosts: [{ ...settled({ boot: "T1" }).state, declared: { drain: true } }] }],
    ["number of hosts", { ...input, hosts: [] }],
  ])("changes with %s", (_, other) => {
    expect(fingerprint(other)).not.toBe(print);
  });

  test("a changed program has another digest; stack files are no part of it", () => {
    for (const path of [
      "Pulumi.yaml",
      "index.ts",
      "package-lock.json",
      "components/a.ts",
      "sdks/b.ts",
      "stacks/read.ts",
    ])
      write(path, path);
    const before = programDigest(temporary());
    write("stacks/Pulumi.rack.yaml", "config: {}");
    expect(programDigest(temporary())).toBe(before);
    write("components/a.ts", "changed");
    expect(programDigest(temporary())).not.toBe(before);
  });
});

describe("records", () => {
  const record = { fingerprint: "f", state: "s" };
  test("belong to one stack in one backend", () => {
    writeRecord(temporary(), "file://a", "rack", record);
    expect(readRecord(temporary(), "file://a", "rack")).toEqual(record);
    expect(readRecord(temporary(), "file://b", "rack")).toBeUndefined();
    writeRecord(temporary(), "file://a", "rack", undefined);
    expect(readRecord(temporary(), "file://a", "rack")).toBeUndefined();
  });
});

describe("a lock", () => {
  const message = (host: string, pid: number): string =>
    `error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.\n  file:///state/.pulumi/locks/x.json: created by root@${host} (pid ${pid}) at 2026-01-02T03:04:05Z`;
  const dead = (): boolean => false;
  test("is stale only if its process on this machine has ended", () => {
    expect(isStaleLock(message("here", 7), "here", dead)).toBe(true);
    expect(isStaleLock(message("here", 7), "here", () => true)).toBe(false);
    expect(isStaleLock(message("there", 7), "here", dead)).toBe(false);
    expect(isStaleLock("error: no stack", "here", dead)).toBe(false);
  });
});
