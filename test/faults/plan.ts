import { faultNames, faultOf, type FaultName } from "./faults.ts";

export type Direction = "up" | "destroy";

/** One fault at one step of one direction. */
export interface Strike {
  readonly direction: Direction;
  /** the first words of the agent's call, as the host's lock tells them: `file /etc/modprobe.d/vfio.conf` */
  readonly step: string;
  readonly fault: FaultName;
}

/** Chooses the fault for a step that is at work, or nothing when it is to pass. */
export type Choice = (direction: Direction, step: string) => FaultName | undefined;

/** A step as a strike names it, without what changes from run to run. */
export const stepName = (announced: string): string => announced.split(" ").slice(0, 2).join(" ").trim();

/** The step that other package managers are met at: what it is to meet has to be there before the run begins. */
export const FIRST = "packages";
export const isFirst = (step: string): boolean => step.split(" ")[0] === FIRST;

/** Those that can strike at few steps come before those that can at any. */
const rank = (name: FaultName): number => (faultOf(name).at ? 0 : 1);

/**
 * Goes round the faults: each step meets the one that came least often so far and can do something at that step, never one
 * twice. Over many steps every fault comes about as often as any other.
 * @param before strikes that count as chosen already
 */
export const rotation = (
  names: readonly FaultName[],
  wanted: (step: string) => boolean = () => true,
  before: readonly Strike[] = [],
): Choice => {
  const counts = new Map(names.map((name) => [name, before.filter(({ fault }) => fault === name).length]));
  // the first step is chosen for before its other words are known
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

/** Just these, each at the first step that its words begin, in any order. */
export const listed = (strikes: readonly Strike[]): Choice => {
  const open = [...strikes];
  return (direction, step) => {
    const found = open.findIndex((one) => one.direction === direction && step.startsWith(one.step));
    return found === -1 ? undefined : open.splice(found, 1)[0]?.fault;
  };
};

/** At most so many. */
export const atMost = (most: number, choice: Choice): Choice => {
  let chosen = 0;
  return (direction, step) => {
    if (chosen >= most) return undefined;
    const fault = choice(direction, step);
    if (fault !== undefined) chosen += 1;
    return fault;
  };
};

/** The faults by name, or all. */
export const namedFaults = (name: string | undefined): readonly FaultName[] => {
  const found = faultNames.filter((one) => name === undefined || one === name);
  if (found.length === 0) throw new Error(`there is no fault "${name}"; there are ${faultNames.join(", ")}`);
  return found;
};
