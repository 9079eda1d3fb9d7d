import type { FaultName } from "./faults.ts";

/** One fault at one step of one direction. */
export interface Strike {
  readonly direction: "up" | "destroy";
  /** the first words of the agent's call, as the host's lease tells them: `file /etc/modprobe.d/vfio.conf` */
  readonly step: string;
  readonly fault: FaultName;
}

/** Steps in their order, without what changes from run to run. */
export const stepsOf = (announced: readonly string[]): string[] => [
  ...new Set(
    announced.map((line) => line.split(" ").slice(0, 2).join(" ").trim()).filter((step) => step !== ""),
  ),
];

/**
 * Every step meets `each` faults, and over all steps every fault comes as often as any other: step by step the list of
 * faults goes on where it stopped.
 */
export const planStrikes = (
  steps: Readonly<Record<Strike["direction"], readonly string[]>>,
  names: readonly FaultName[],
  each: number,
): Strike[] => {
  let next = 0;
  return (["up", "destroy"] as const).flatMap((direction) =>
    steps[direction].flatMap((step) =>
      Array.from({ length: Math.min(each, names.length) }, () => {
        const fault = names[next++ % names.length];
        if (fault === undefined) throw new Error("there are no faults");
        return { direction, step, fault };
      }),
    ),
  );
};

/** At most so many of a list, evenly from its beginning to its end. */
export const spread = <T>(list: readonly T[], most: number): T[] =>
  list.filter(
    (_, index) =>
      most >= list.length ||
      Math.floor((index * most) / list.length) !== Math.floor(((index - 1) * most) / list.length),
  );
