import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { identify, isRunning, kill, waitForEnd } from "../../../lab/machine/process.ts";

const sleeper = async (mark: string): Promise<{ pid: number; end: Promise<unknown> }> => {
  const child = spawn("sh", ["-c", "read -r line", mark], { stdio: ["pipe", "ignore", "ignore"] });
  const end = once(child, "exit");
  if (child.pid === undefined) throw new Error("sh did not start");
  return { pid: child.pid, end };
};

test("a process is identified by its start time and command line, and ended once", async () => {
  const { pid, end } = await sleeper("mark-of-the-lab");
  const identity = identify(pid);
  expect(isRunning(identity, "mark-of-the-lab")).toBe(true);
  expect(await waitForEnd(identity, "mark-of-the-lab", 20)).toBe(false);
  kill(identity, "mark-of-the-lab");
  await end;
  expect(await waitForEnd(identity, "mark-of-the-lab", 1000)).toBe(true);
  expect(() => identify(pid)).toThrow(`process ${pid} has ended`);
});

test.each([
  ["another process with the same id", { startTime: 1 }],
  ["the same id in another boot of this machine", { machineBoot: "00000000-0000-0000-0000-000000000000" }],
])("%s is left alone", async (_, other) => {
  const { pid, end } = await sleeper("mark");
  const identity = identify(pid);
  kill({ ...identity, ...other }, "mark");
  expect(isRunning(identity, "mark")).toBe(true);
  kill(identity, "mark");
  await end;
});

test("a process with another command line is left alone", async () => {
  const { pid, end } = await sleeper("mark");
  const identity = identify(pid);
  kill(identity, "/lab/hosts/other");
  expect(isRunning(identity, "mark")).toBe(true);
  kill(identity, "mark");
  await end;
});

test("a process that becomes another program counts as running", () => {
  // Between the two programs its command line is empty for a moment, which only a few of many reads meet.
  for (let round = 0; round < 30; round++) {
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "tail", "-f", "/dev/null"], { stdio: "ignore" });
    try {
      const identity = identify(child.pid ?? 0);
      const until = performance.now() + 15;
      while (performance.now() < until) expect(isRunning(identity, "/dev/null")).toBe(true);
    } finally {
      child.kill("SIGKILL");
    }
  }
});
