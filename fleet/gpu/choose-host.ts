import type { Facts } from "../../components/facts/facts.ts";
import type { HandOver } from "../../components/plan/domain/hand-over.ts";
import { formatProblems } from "../../components/facts/problem.ts";
import { planHostHandOver } from "../../components/host/plan-hand-over.ts";
import type { FleetHost } from "./hosts.ts";

type Choice =
  | { readonly ok: true; readonly host: FleetHost; readonly over: HandOver }
  | { readonly ok: false; readonly message: string };

const isRunning = (facts: Facts, domain: string): boolean =>
  facts.libvirt.domains.some(({ name, running }) => name === domain && running);

/**
 * The host on which a domain is to run with a card: of several that have the domain, the one on which it runs already,
 * else the first that can.
 * @param card its name; undefined: any that is free
 */
export const chooseHost = (
  answers: readonly { readonly host: FleetHost; readonly facts: Facts }[],
  domain: string,
  card: string | undefined,
): Choice => {
  const running = answers.filter(({ facts }) => isRunning(facts, domain));
  const refusals: string[] = [];
  for (const { host, facts } of running.length > 0 ? running : answers) {
    const over = planHostHandOver(
      { domain, card: card === undefined ? { kind: "any" } : { kind: "named", name: card } },
      host.spec,
      facts,
      { stack: host.stack, host: host.name },
    );
    if (over.ok) return { ok: true, host, over: over.value };
    refusals.push(formatProblems(host.name, over.problems));
  }
  return { ok: false, message: refusals.join("\n") };
};
