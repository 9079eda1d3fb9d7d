import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { figuresTable, FLOOR, readFigures, writeFigures, type Sample } from "../../../bench/figures.ts";

const sample = (tool: string, seconds: number, more: Partial<Sample> = {}): Sample => ({
  hosts: 8,
  tool,
  phase: "again",
  seconds,
  cpuSeconds: 1,
  memoryMiB: 10,
  ...more,
});

test("the table has medians, and in brackets their ratio to the floor of the same size", () => {
  const samples = [
    ...[2, 9, 1].map((seconds) => sample(FLOOR, seconds)),
    ...[3, 1, 2.5].map((seconds) => sample("vfio-fleet", seconds)),
    ...[6, 8].map((seconds) => sample("vfio-fleet", seconds, { hosts: 32, memoryMiB: 99 })),
  ];
  const rows = figuresTable({ machine: "", versions: "", samples }).split("\n").slice(2);
  expect(rows).toHaveLength(3);
  expect(rows[0]).toMatch(/^\| 8 \| ssh \(floor\) \| .*\| 2\.00 \(1\.00 x\) \|/);
  expect(rows[1]).toMatch(/^\| 8 \| vfio-fleet \| .*\| 2\.50 \(1\.25 x\) \|/);
  expect(rows[2]).toMatch(/^\| 32 \| vfio-fleet \| .*\| 7\.00 \|.* 99 /);
});

test("a file collects figures of several runs, but not of other versions", () => {
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-figures-"));
  try {
    const file = join(folder, "figures.json");
    const none = readFigures(file, "pyinfra 1");
    expect(none.samples).toEqual([]);
    writeFigures(file, { ...none, samples: [sample(FLOOR, 1)] });
    expect(readFigures(file, "pyinfra 1").samples).toEqual([sample(FLOOR, 1)]);
    expect(() => readFigures(file, "pyinfra 2")).toThrow(/pyinfra 1, but this is pyinfra 2/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
