import { readCardRoms } from "../../../components/host/card-roms.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import type { Problem } from "../../../components/facts/problem.ts";
import { receiptName, type Step } from "../../../components/plan/step.ts";
import { planHost, type HostPlan } from "../../../components/host/plan-host.ts";
import type { HostSpec } from "../../../components/host/host-spec.ts";
import { agentState } from "../../../components/agent/agent-script.ts";
import type { Connection } from "../../../components/ssh/connection.ts";

/** A host's steps in one list, the agent's own first. */
export const stepsOf = (plan: HostPlan): readonly Step[] => [
  ...plan.libvirt,
  ...plan.kernel.steps,
  ...plan.roms.steps,
  ...plan.domains.flatMap((domain) => domain.steps),
];

/**
 * What a plan makes of a host:
 * - `settled`: the host shows every effect and has the receipt of every step, so no step gets a new token; `declared` is
 *   all that the program would declare for it
 * - `open`: some step would be called
 * - `refused`: the program would end before anything is declared
 */
export type HostState =
  | {
      readonly kind: "settled";
      readonly declared: unknown;
      readonly tokens: Readonly<Record<string, string>>;
    }
  | { readonly kind: "open"; readonly steps: readonly string[]; readonly drift: readonly string[] }
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

export interface AskedHost {
  readonly name: string;
  readonly spec: HostSpec;
  readonly connection: Connection;
  readonly facts: Facts;
}

const AGENT_KEY = "host agent";

/** Judges one host as the program does; a pure function but for the ROM files beside the project. */
export const hostState = (stack: string, { name, spec, connection, facts }: AskedHost): HostState => {
  const mayReboot = process.env["VFIO_FLEET_REBOOT"] === "yes";
  const plan = planHost(spec, facts, { stack, host: name, mayReboot }, readCardRoms(spec.cards));
  if (!plan.ok) return { kind: "refused", problems: plan.problems };
  const agent = agentState(facts, plan.value.drivers);
  const steps = stepsOf(plan.value);
  const receipts = steps.map((step) => [step, facts.receipts[receiptName(step.key)]] as const);
  const open = receipts
    .filter(([step, receipt]) => !step.inPlace || receipt === undefined)
    .map(([{ key }]) => key);
  if (open.length > 0 || agent.token === undefined) {
    const drift = steps.flatMap((step) => (step.drift ? [step.key] : []));
    return { kind: "open", steps: agent.token === undefined ? [AGENT_KEY, ...open] : open, drift };
  }
  const { drivers, ...declared } = plan.value;
  return {
    kind: "settled",
    declared: {
      name,
      connection,
      privilege: facts.privilege,
      agent: agent.script,
      drivers: Object.values(drivers).map((driver) => driver.name),
      ...declared,
    },
    tokens: {
      [AGENT_KEY]: agent.token,
      ...Object.fromEntries(receipts.map(([step, receipt]) => [step.key, receipt?.token ?? ""])),
    },
  };
};
