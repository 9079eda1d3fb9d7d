import type { Checked } from "../../components/facts/problem.ts";

/** The size of a wave: a number of stacks, or a share of all stacks. */
export type WaveSize =
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "percent"; readonly percent: number };

/** Parses a size such as `4` or `25%`. */
export const parseWaveSize = (text: string): Checked<WaveSize> => {
  const [, digits, percent] = /^(\d{1,6})(%?)$/.exec(text.trim()) ?? [];
  const value = Number(digits ?? Number.NaN);
  if (percent === "%" && value >= 1 && value <= 100)
    return { ok: true, value: { kind: "percent", percent: value } };
  if (percent === "" && value >= 1) return { ok: true, value: { kind: "count", count: value } };
  return {
    ok: false,
    problems: [
      {
        path: "--wave",
        problem: `"${text}" is not a wave size`,
        remedy: "give a number of stacks, or a share such as 25%",
      },
    ],
  };
};

export interface WaveOptions {
  /** Number of stacks that go first, alone. */
  readonly canary: number;
  /** Undefined: all the others at once. */
  readonly wave: WaveSize | undefined;
}

/** The number of stacks in a wave, at least one. A share is rounded down, so that no wave exceeds it. */
const sizeOf = (wave: WaveSize | undefined, all: number): number => {
  if (wave === undefined) return all;
  return Math.max(1, wave.kind === "count" ? wave.count : Math.floor((all * wave.percent) / 100));
};

/** The stacks in waves, in the given order: the canaries first, then one wave after the other. */
export const planWaves = (
  stacks: readonly string[],
  { canary, wave }: WaveOptions,
): readonly (readonly string[])[] => {
  const size = sizeOf(wave, stacks.length);
  const rest = stacks.slice(canary);
  return [
    stacks.slice(0, canary),
    ...Array.from({ length: Math.ceil(rest.length / size) }, (_, index) =>
      rest.slice(index * size, (index + 1) * size),
    ),
  ].filter((members) => members.length > 0);
};
