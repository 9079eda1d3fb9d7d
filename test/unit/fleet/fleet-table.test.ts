import stringWidth from "string-width";
import { expect, test } from "vitest";
import { exitStatus, followRun, type FleetEvent, type FleetState } from "../../../fleet/rollout/state.ts";
import { formatElapsed, plainLine, renderTable } from "../../../fleet/rollout/table.ts";
import type { Paint } from "../../../fleet/ground/terminal.ts";

const plain: Paint = (_, text) => text;
const hosts = (...names: readonly string[]) => names.map((host) => ({ stack: host, host }));

/** The state after these events, one second apart. */
const play = (...events: readonly FleetEvent[]): FleetState => {
  const run = followRun();
  for (const [index, event] of events.entries()) run.take(event, index * 1000);
  return run.state();
};

const rackEvents: readonly FleetEvent[] = [
  { type: "start", operation: "up", hosts: hosts("a1", "a2", "a3"), waves: [["a1"], ["a2", "a3"]] },
  { type: "step", stack: "a1", host: "a1", step: "boot" },
  { type: "host", stack: "a1", host: "a1", result: "changed", message: "14 changes" },
  { type: "step", stack: "a2", host: "a2", step: "/etc/modprobe.d/vfio.conf" },
];
const rack = play(...rackEvents);

test("each host has a row with its step, its time and its result", () => {
  expect(renderTable(rack, 9400, { paint: plain, columns: 80 })).toBe(
    [
      "Host  Wave  Step                       Time   Result",
      "a1    1     14 changes                 1.0 s  changed",
      "a2    2     /etc/modprobe.d/vfio.conf  6.4 s  at work",
      "a3    2                                       waiting",
      "3 hosts: 1 changed, 1 at work, 1 waiting",
    ].join("\n"),
  );
});

test("a narrow terminal cuts the step, never the result; each row stays one line", () => {
  const lines = renderTable(rack, 9400, { paint: plain, columns: 44 }).split("\n");
  expect(lines).toHaveLength(5);
  expect(lines[2]).toMatch(/^a2 {4}2 {5}\/etc\/mod\S*… +6\.4 s {2}at work$/);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(44);
});

test("a step in wide characters is cut where the terminal ends", () => {
  const state = play(
    { type: "start", operation: "up", hosts: hosts("a"), waves: [["a"]] },
    { type: "step", stack: "a", host: "a", step: "再起動を待つ".repeat(10) },
  );
  const [, row = ""] = renderTable(state, 9400, { paint: plain, columns: 44 }).split("\n");
  expect(row).toMatch(/^a +再起動を待つ\S*… +8\.4 s +at work$/);
  expect(stringWidth(row)).toBeLessThanOrEqual(44);
});

test("with more hosts than lines, failures and what is at work stay", () => {
  const names = Array.from({ length: 40 }, (_, index) => `h${index}`);
  const state = play(
    { type: "start", operation: "up", hosts: hosts(...names), waves: [names] },
    { type: "host", stack: "h7", host: "h7", result: "clean", message: "" },
    { type: "host", stack: "h30", host: "h30", result: "failed", message: "refused\nby the host" },
    { type: "step", stack: "h39", host: "h39", step: "reboot" },
  );
  const text = renderTable(state, 5000, { paint: plain, columns: 80, lines: 8 });
  expect(text.split("\n").length).toBeLessThanOrEqual(8);
  expect(text).toMatch(/^h30 +refused +0\.0 s +failed$/m);
  expect(text).toMatch(/^h39 +reboot/m);
  expect(text).toContain("… and 36 hosts more");
});

test("a host's output cannot move the cursor", () => {
  const state = play(
    { type: "start", operation: "up", hosts: hosts("a"), waves: [["a"]] },
    { type: "step", stack: "a", host: "a", step: "\u{1b}[2Jgone" },
  );
  expect(renderTable(state, 0, { paint: plain, columns: 80 })).not.toContain("\u{1b}");
  expect(
    plainLine({ type: "host", stack: "a", host: "a", result: "failed", message: "x\u{1b}]0;y\u{7}" }, plain),
  ).toBe("a failed: x\u{fffd}]0;y\u{fffd}");
});

test("a host in a stack of another name shows both names", () => {
  expect(plainLine({ type: "step", stack: "rack", host: "a1", step: "boot" }, plain)).toBe("rack/a1: boot");
});

test("a step after the result changes nothing", () => {
  const late = play(...rackEvents, { type: "step", stack: "a1", host: "a1", step: "late" });
  expect(late.rows[0]).toEqual(rack.rows[0]);
});

test.each([
  [0, "0.0 s"],
  [59_949, "59.9 s"],
  [60_000, "1:00"],
  [125_400, "2:05"],
  [3_725_000, "1:02:05"],
])("%i ms are %s", (milliseconds, text) => {
  expect(formatElapsed(milliseconds)).toBe(text);
});

test("the exit status: a failure counts before a change, and a host that was never begun is no success", () => {
  expect(exitStatus(["clean", "changed", "destroyed"])).toBe(0);
  expect(exitStatus(["clean", "changes"])).toBe(2);
  expect(exitStatus(["changes", "failed"])).toBe(1);
  expect(exitStatus(["clean", "left"])).toBe(1);
  expect(exitStatus(["clean", undefined])).toBe(1);
});
