import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { isAlive, thisRunner } from "../agent/runner.ts";
import { lockProblem } from "../plan/lock.ts";
import { isDue, type Drift, type Step } from "../plan/step.ts";
import { readCardRoms } from "./card-roms.ts";
import type { HostSpec } from "./host-spec.ts";
import { planHost, type HostPlan } from "./plan-host.ts";

/**
 * What a host is, seen from its stack:
 * - `locked`: another run is at work there
 * - `refused`: nothing can be declared before these problems are mended
 * - `planned`: the steps are known
 */
export type HostVerdict =
  | { readonly kind: "locked"; readonly problems: readonly Problem[] }
  | { readonly kind: "refused"; readonly problems: readonly Problem[] }
  | PlannedHost;

export interface PlannedHost {
  readonly kind: "planned";
  readonly plan: HostPlan;
  /** steps that the next `up` takes, in the plan's order */
  readonly due: readonly Step[];
  /** steps whose effect somebody changed on the host after an earlier run */
  readonly drift: readonly (Step & { readonly drift: Drift })[];
}

/**
 * Judges one host by its facts. The program, `status`, `report` and the tests all ask here, so they agree.
 * It reads the ROM files that the description names, and changes nothing.
 */
export const judgeHost = (host: {
  readonly stack: string;
  readonly name: string;
  readonly spec: HostSpec;
  readonly facts: Facts;
}): HostVerdict => {
  const { stack, name, spec, facts } = host;
  // what a host shows in the middle of another run's work says nothing
  const locked = lockProblem(facts.lock, thisRunner(stack, process.pid), isAlive);
  if (locked) return { kind: "locked", problems: [locked] };
  const where = { stack, host: name, mayReboot: process.env["VFIO_FLEET_REBOOT"] === "yes" };
  const plan = planHost(spec, facts, where, readCardRoms(spec.cards));
  if (!plan.ok) return { kind: "refused", problems: plan.problems };
  const { steps } = plan.value;
  return {
    kind: "planned",
    plan: plan.value,
    due: steps.filter((step) => isDue(facts, step)),
    drift: steps.flatMap((step) => (step.drift ? [{ ...step, drift: step.drift }] : [])),
  };
};
