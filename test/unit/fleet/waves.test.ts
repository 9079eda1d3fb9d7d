import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseWaveSize, planWaves, type WaveSize } from "../../../fleet/rollout/waves.ts";

const stacks = (count: number): string[] => Array.from({ length: count }, (_, index) => `h${index + 1}`);
const percent = (value: number): WaveSize => ({ kind: "percent", percent: value });

describe("waves", () => {
  test("without options all stacks are one wave", () => {
    expect(planWaves(stacks(3), { canary: 0, wave: undefined })).toEqual([["h1", "h2", "h3"]]);
  });

  test("canaries come first, then shares of all stacks", () => {
    expect(planWaves(stacks(9), { canary: 1, wave: percent(25) })).toEqual([
      ["h1"],
      ["h2", "h3"],
      ["h4", "h5"],
      ["h6", "h7"],
      ["h8", "h9"],
    ]);
  });

  test("a share of a few stacks is one stack", () => {
    expect(planWaves(stacks(2), { canary: 0, wave: percent(10) })).toEqual([["h1"], ["h2"]]);
  });

  test("more canaries than stacks are one wave", () => {
    expect(planWaves(stacks(2), { canary: 5, wave: { kind: "count", count: 1 } })).toEqual([["h1", "h2"]]);
  });

  test("every stack comes once, in its order, and no wave exceeds its share", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 5 }),
        fc.option(
          fc.oneof(
            fc.integer({ min: 1, max: 100 }).map(percent),
            fc.integer({ min: 1, max: 9 }).map((count): WaveSize => ({ kind: "count", count })),
          ),
          { nil: undefined },
        ),
        (count, canary, wave) => {
          const waves = planWaves(stacks(count), { canary, wave });
          expect(waves.flat()).toEqual(stacks(count));
          expect(waves.every((members) => members.length > 0)).toBe(true);
          const most =
            wave?.kind === "percent" ? Math.max(1, (count * wave.percent) / 100) : (wave?.count ?? count);
          for (const members of waves.slice(canary > 0 ? 1 : 0))
            expect(members.length).toBeLessThanOrEqual(most);
        },
      ),
    );
  });
});

test.each([
  ["4", { kind: "count", count: 4 }],
  ["25%", percent(25)],
  ["100%", percent(100)],
])("a size of %s", (text, value) => {
  expect(parseWaveSize(text)).toEqual({ ok: true, value });
});

test.each(["", "0", "0%", "101%", "-1", "1.5", "all", "%", "9999999"])("%j is no wave size", (text) => {
  expect(parseWaveSize(text)).toMatchObject({ ok: false, problems: [{ path: "--wave" }] });
});
