import { faultNames, faultOf, type FaultName } from "./faults.ts";

export type Direction = "up" | "destroy";

/** One fault at one step of one direction. */
export interface Strike {
  readonly direction: Direction;
  /** The first words of the agent's call, as in the host's lock: `file /etc/modprobe.d/vfio.conf`. */
  readonly step: string;
  readonly fault: FaultName;
}

/** Chooses the fault for a running step; undefined lets the step pass. */
export type Choice = (direction: Direction, step: string) => FaultName | undefined;

/** The name of a step in a strike, without the parts that change from run to run. */
export const stepName = (announced: string): string => announced.split(" ").slice(0, 2).join(" ").trim();

/** The step for faults of other package managers, which have to be set up before the run. */
export const FIRST = "packages";
export const isFirst = (step: string): boolean => step.split(" ")[0] === FIRST;

/** Faults for few steps come before faults for any step. */
const rank = (name: FaultName): number => (faultOf(name).at ? 0 : 1);

/**
 * Goes round the faults. Each step gets the possible fault that came least often so far, and never the same one
 * twice. Over many steps all faults come about equally often.
 * @param before strikes that count as chosen already
 */
export const rotation = (
  names: readonly FaultName[],
  wanted: (step: string) => boolean = () => true,
  before: readonly Strike[] = [],
): Choice => {
  const counts = new Map(names.map((name) => [name, before.filter(({ fault }) => fault === name).length]));
  // The first step is chosen before its other words are known.
  const key = ({ direction, step, fault }: Strike): string =>
    `${direction} ${isFirst(step) ? FIRST : step} ${fault}`;
  const met = new Set(before.map(key));
  return (direction, step) => {
    if (!wanted(step)) return undefined;
    const [fault] = names
      .filter((name) => !met.has(key({ direction, step, fault: name })))
      .filter((name) => faultOf(name).at?.test(step) ?? true)
      .toSorted((one, other) => (counts.get(one) ?? 0) - (counts.get(other) ?? 0) || rank(one) - rank(other));
    if (fault === undefined) return undefined;
    counts.set(fault, (counts.get(fault) ?? 0) + 1);
    met.add(key({ direction, step, fault }));
    return fault;
  };
};

/** Exactly these strikes, each at the first step that its words match, in any order. */
export const listed = (strikes: readonly Strike[]): Choice => {
  const open = [...strikes];
  return (direction, step) => {
    const found = open.findIndex((one) => one.direction === direction && step.startsWith(one.step));
    return found === -1 ? undefined : open.splice(found, 1)[0]?.fault;
  };
};

/** At most this number of strikes. */
export const atMost = (most: number, choice: Choice): Choice => {
  let chosen = 0;
  return (direction, step) => {
    if (chosen >= most) return undefined;
    const fault = choice(direction, step);
    if (fault !== undefined) chosen += 1;
    return fault;
  };
};

/** The named fault, or all faults. */
export const namedFaults = (name: string | undefined): readonly FaultName[] => {
  const found = faultNames.filter((one) => name === undefined || one === name);
  if (found.length === 0) throw new Error(`there is no fault "${name}"; there are ${faultNames.join(", ")}`);
  return found;
};
