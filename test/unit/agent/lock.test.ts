import { spawnSync } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import type { Lock } from "../../../components/facts/lock.ts";
import { describeLock, lockProblem } from "../../../components/plan/lock.ts";
import { AGENT_KEY } from "../../../components/plan/step.ts";
import { runToken, type Runner } from "../../../components/plan/run-token.ts";
import { isAlive } from "../../../components/agent/runner.ts";
import { quote } from "../../../components/ssh/quote.ts";
import { Mask } from "../../../fleet/targets/facts-file/mask.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";
import { FakeHost, SHELLS } from "../support/fake-host.ts";

const runner: Runner = {
  moment: new Date("2026-01-02T03:04:05Z"),
  user: "op",
  machine: "desk",
  process: 99,
  stack: "xeon",
};
const lock: Lock = {
  owner: "op@desk",
  stack: "xeon",
  process: "4711",
  peer: "198.51.100.1",
  samePeer: true,
  since: "2026-01-02T03:00:00Z",
  step: "file /etc/modprobe.d/kvm.conf 644",
  atWork: false,
  endsIn: 120,
};
const living = (id: number): boolean => id === 4711;
const nobody = (): boolean => false;

describe("a plan on a locked host", () => {
  test("a living run is not disturbed, not even from its own machine", () => {
    expect(lockProblem(lock, runner, living)).toMatchObject({
      path: "locked",
      problem:
        "op@desk (stack xeon, process 4711) from 198.51.100.1 has been at work on it since 2026-01-02T03:00:00Z; " +
        "last step: file /etc/modprobe.d/kvm.conf 644; the lock ends in 120 s",
    });
  });
  test.each([
    ["a dead run of the same person, machine and stack", {}, false],
    ["an undo of a moment ago from here", { owner: "", stack: "", process: "" }, false],
    ["an undo that is at work", { owner: "", stack: "", process: "", atWork: true }, true],
    ["an undo from elsewhere", { owner: "", stack: "", process: "", samePeer: false }, true],
    ["another person", { owner: "ann@desk" }, true],
    ["another stack", { stack: "rack" }, true],
    ["a machine of the same name elsewhere", { samePeer: false }, true],
  ] as const)("%s", (_, found, refused) => {
    expect(lockProblem({ ...lock, ...found }, runner, nobody) !== undefined).toBe(refused);
  });
  test("no lock, no problem", () => {
    expect(lockProblem(undefined, runner, living)).toBeUndefined();
  });
});

test("a run is known by the process that outlives the program: its parent's parent", () => {
  // sh stands for the engine, the sh in it for the language host
  const program = `import { thisRunner } from "./components/agent/runner.ts"; console.log(thisRunner("s").process);`;
  const start = `'${process.execPath}' --input-type=module-typescript -e '${program}'; :`;
  const { stdout } = spawnSync("sh", ["-c", `echo $$; sh -c "$1"; :`, "sh", start], { encoding: "utf8" });
  const [engine, found] = stdout.split("\n");
  expect(found).toBe(engine);
});

test("a process lives until it has ended", () => {
  const ended = spawnSync("true").pid;
  expect([isAlive(process.pid), isAlive(ended), isAlive(0)]).toEqual([true, false, false]);
});

/** What a run has before it: three steps, and the agent, which the lock does not count. */
const DUE = [AGENT_KEY, "boot", "reboot", "prove"].map((key) => ({ key }));

test("a run's token is one plain word, whatever the names are", () => {
  const token = runToken({ ...runner, user: "o p,\n", machine: "d'e$k", stack: "a+b" }, DUE);
  expect(token).toBe("2026-01-02T03:04:05.000Z,o-p--@d-e-k,99,a-b,3");
  expect(quote(token)).toBe(token);
});

test("saved facts do not say who ran what", () => {
  const token = runToken(runner, DUE);
  const masked = new Mask().facts(xeonFacts({ receipts: { boot: { token, notes: {} } }, lock }));
  expect(masked.receipts["boot"]?.token).toBe("2026-01-02T03:04:05.000Z,user-1@machine-1,1,stack,3");
  expect(masked.lock).toMatchObject({ owner: "user-1@machine-1", stack: "stack", peer: "192.0.2.1" });
});

describe.each(SHELLS)("a lock as the probe finds it, with %s", (shell) => {
  let host: FakeHost;
  afterEach(() => host.remove());
  const found = (written: Readonly<Record<string, string>>, uptime = "1040.5 1.0"): Lock | undefined => {
    host = new FakeHost();
    host.file("/proc/sys/kernel/random/boot_id", "boot-1");
    host.file("/proc/sys/kernel/hostname", "xeon");
    host.file("/proc/sys/kernel/osrelease", "6.1.0-37-amd64");
    host.file("/proc/uptime", uptime);
    host.file("/proc/77/cmdline", "sh\0/usr/local/lib/vfio-fleet/host\0file\0");
    host.file("/proc/78/cmdline", "sleep\0");
    const { owner = "op@desk", ...rest } = written;
    const all = {
      run: "r",
      owner,
      process: "4711",
      stack: "xeon",
      peer: "198.51.100.1",
      since: "2026-01-02T03:00:00Z",
      boot: "boot-1",
      seen: "1000",
      idle: "300",
      left: "2",
      step: "boot",
      busy: "",
      ...rest,
    };
    host.file(
      "/var/lib/vfio-fleet/lease",
      Object.entries(all)
        .map(([name, value]) => `${name}=${value}`)
        .join("\n"),
    );
    return host.probe(shell).facts.lock;
  };
  test("it is there until it has been idle for long enough", () => {
    expect(found({})).toEqual({ ...lock, samePeer: false, step: "boot", endsIn: 260 });
  });
  test.each([
    ["idle, but at work", { seen: "1", busy: "77" }, "1040.5 1.0", { atWork: true, endsIn: 0 }],
    ["from before the boot", { boot: "boot-0", seen: "9000", busy: "77" }, "30.1 1", { endsIn: 270 }],
  ])("%s", (_, written, uptime, expected) => {
    expect(found(written, uptime)).toMatchObject(expected);
  });
  test.each([
    ["idle for too long", { seen: "740" }, "1040.5 1.0"],
    ["its worker's number is another process now", { seen: "1", busy: "78" }, "1040.5 1.0"],
    ["long before the boot", { boot: "boot-0", seen: "9000", busy: "77" }, "301.1 1"],
    ["cut off by a power cut", { since: "" }, "1040.5 1.0"],
  ])("none: %s", (_, written, uptime) => {
    expect(found(written, uptime)).toBeUndefined();
  });
});

test("what is shown of a lock is one line", () => {
  expect(describeLock({ ...lock, owner: "", peer: "", atWork: true })).toBe(
    "somebody has been at work on it since 2026-01-02T03:00:00Z; at work now: file /etc/modprobe.d/kvm.conf 644",
  );
});
