import type { Checked } from "../../components/facts/problem.ts";

/** How many stacks a wave has: a number, or a share of all of them. */
export type WaveSize =
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "percent"; readonly percent: number };

/** `4`, `25%`. */
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
        problem: `"${text}" is no size of a wave`,
        remedy: "a number of stacks, or a share such as 25%",
      },
    ],
  };
};

export interface WaveOptions {
  /** so many stacks go first, alone */
  readonly canary: number;
  /** all the others at once when undefined */
  readonly wave: WaveSize | undefined;
}

/** At least one stack a wave; a share is of all stacks, rounded down, so that no wave takes more than it. */
const sizeOf = (wave: WaveSize | undefined, all: number): number => {
  if (wave === undefined) return all;
  return Math.max(1, wave.kind === "count" ? wave.count : Math.floor((all * wave.percent) / 100));
};

/** The stacks in their waves, in the order given: the canaries, then one wave after the other. */
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
