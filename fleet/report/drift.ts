import type { Facts } from "../../components/facts/facts.ts";
import type { Step } from "../../components/plan/step.ts";
import { readCardRoms } from "../../components/host/card-roms.ts";
import { planHost } from "../../components/host/plan-host.ts";
import { stepsOf } from "../stack/clean/settled.ts";
import type { Target } from "../targets/target.ts";

/** One thing on a host that is not as its stack says. */
export interface DriftItem {
  readonly what: string;
  readonly found: string;
}

export type HostDrift =
  /** no stack describes the host, or only its saved facts are there */
  | { readonly kind: "unknown"; readonly why: string }
  | { readonly kind: "clean" }
  /** somebody changed what an earlier run had left there */
  | { readonly kind: "drifted"; readonly items: readonly DriftItem[]; readonly pending: readonly DriftItem[] }
  /** what the next `pulumi up` would do that no earlier one has done */
  | { readonly kind: "pending"; readonly items: readonly DriftItem[] }
  | { readonly kind: "refused"; readonly items: readonly DriftItem[] };

const driftOf = ({ key, drift }: Step): DriftItem[] => {
  if (!drift) return [];
  return drift.kind === "file"
    ? [{ what: drift.path, found: drift.found === undefined ? "is gone" : "was edited" }]
    : [{ what: key, found: drift.found }];
};

/** Compares a host with what its stack wants of it, as `pulumi preview` does. */
export const hostDrift = (facts: Facts, target: Target | undefined): HostDrift => {
  if (!target?.spec)
    return { kind: "unknown", why: target ? "no stack describes this host" : "made from saved facts" };
  const where = { stack: target.stack ?? "", host: target.name };
  const plan = planHost(target.spec, facts, where, readCardRoms(target.spec.cards));
  if (!plan.ok)
    return {
      kind: "refused",
      items: plan.problems.map(({ path, problem }) => ({ what: path, found: problem })),
    };
  const steps = stepsOf(plan.value);
  const items = steps.flatMap(driftOf);
  const pending = steps
    .filter((step) => !step.inPlace && !step.drift)
    .map(({ key, nowWanted }) => ({
      what: key,
      found: nowWanted === undefined ? "not done yet" : `now wanted: ${nowWanted}`,
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
