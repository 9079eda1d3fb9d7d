import { choose } from "../drivers/choose.ts";
import { drivers } from "../drivers/registry.ts";
import type { Facts } from "../facts/facts.ts";
import type { Checked } from "../facts/problem.ts";
import { planHandOver, type HandOver, type HandOverRequest } from "../plan/domain/hand-over.ts";
import type { HostSpec } from "./host-spec.ts";
import { access } from "./plan-host.ts";

/** How a domain of this host comes to run with a card; see plan/domain/hand-over.ts. */
export const planHostHandOver = (
  request: HandOverRequest,
  spec: HostSpec,
  facts: Facts,
  where: { readonly stack: string; readonly host: string },
): Checked<HandOver> => {
  const denied = access(facts);
  if (denied.length > 0) return { ok: false, problems: denied };
  const distro = choose("distribution", drivers.distro, facts, facts.distro.name);
  return "problem" in distro
    ? { ok: false, problems: [distro] }
    : planHandOver(request, spec, facts, distro, where);
};
