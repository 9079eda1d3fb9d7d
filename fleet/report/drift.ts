import type { Facts } from "../../components/facts/facts.ts";
import { judgeHost, type PlannedHost } from "../../components/host/judge.ts";
import type { Target } from "../targets/target.ts";

/** One thing on a host that is not as its stack says. */
export interface DriftItem {
  readonly what: string;
  readonly found: string;
}

export type HostDrift =
  /** no stack describes the host, only its saved facts are there, or another run is at work on it */
  | { readonly kind: "unknown"; readonly why: string }
  | { readonly kind: "clean" }
  /** somebody changed what an earlier run had left there */
  | { readonly kind: "drifted"; readonly items: readonly DriftItem[]; readonly pending: readonly DriftItem[] }
  /** what the next `pulumi up` would do that no earlier one has done */
  | { readonly kind: "pending"; readonly items: readonly DriftItem[] }
  | { readonly kind: "refused"; readonly items: readonly DriftItem[] };

const driftOf = ({ key, drift }: PlannedHost["drift"][number]): DriftItem =>
  drift.kind === "file"
    ? { what: drift.path, found: drift.found === undefined ? "is gone" : "was edited" }
    : { what: key, found: drift.found };

/** Compares a host with what its stack wants of it, as `pulumi preview` does. */
export const hostDrift = (facts: Facts, target: Target | undefined): HostDrift => {
  if (!target?.spec)
    return { kind: "unknown", why: target ? "no stack describes this host" : "made from saved facts" };
  const { name, stack = "", spec } = target;
  const verdict = judgeHost({ stack, name, spec, facts });
  if (verdict.kind === "locked")
    return { kind: "unknown", why: verdict.problems.map(({ problem }) => problem).join() };
  if (verdict.kind === "refused")
    return {
      kind: "refused",
      items: verdict.problems.map(({ path, problem }) => ({ what: path, found: problem })),
    };
  const items = verdict.drift.map(driftOf);
  const pending = verdict.due
    .filter(({ drift }) => !drift)
    .map(({ key, inPlace, nowWanted }) => ({
      what: key,
      found: inPlace
        ? "in place, but not recorded"
        : nowWanted === undefined
          ? "not done yet"
          : `now wanted: ${nowWanted}`,
    }));
  if (items.length > 0) return { kind: "drifted", items, pending };
  return pending.length > 0 ? { kind: "pending", items: pending } : { kind: "clean" };
};

/** The last time that vfio-fleet changed something on the host, and what it was. */
export interface Rollout {
  readonly at: string;
  readonly what: readonly string[];
}

/** Read from the receipts that every step leaves: their token starts with the moment of the run. */
export const lastRollout = (facts: Facts): Rollout | undefined => {
  const runs = Object.entries(facts.receipts).flatMap(([key, { token }]) => {
    const at = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z/.exec(token)?.[0];
    return at === undefined ? [] : [{ at, what: key.replaceAll("%", "/") }];
  });
  const at = runs
    .map((run) => run.at)
    .sort()
    .at(-1);
  return at === undefined
    ? undefined
    : {
        at,
        what: runs
          .filter((run) => run.at === at)
          .map(({ what }) => what)
          .sort(),
      };
};
