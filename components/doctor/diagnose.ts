import { domainView } from "../plan/domain/domain-view.ts";
import type { Facts } from "../facts/facts.ts";
import type { Survey } from "../facts/survey.ts";
import { patientOf } from "./patient.ts";
import { rules } from "./registry.ts";
import type { Finding, Rule, Verdict } from "./rule.ts";

export interface Diagnosis {
  /** what fired, the worst first */
  readonly findings: readonly { readonly rule: Rule; readonly finding: Finding }[];
  /** rules that could not look, and what they lacked */
  readonly blind: readonly { readonly rule: Rule; readonly lacks: readonly string[] }[];
  /** domains whose definitions could not be read: no rule has looked at them */
  readonly unread: readonly string[];
  readonly looked: number;
}

const RANK = { fault: 0, risk: 1, expected: 2 } as const satisfies Record<Verdict, number>;

/**
 * Looks at one host with every rule.
 * @param only a domain's name: rules about domains then look at this one alone
 */
export const diagnose = (facts: Facts & { readonly survey: Survey }, only?: string): Diagnosis => {
  const patient = patientOf(facts, only);
  const blind = rules.flatMap((rule) => {
    const lacks = (rule.needs ?? []).filter((name) => facts.survey[name] === undefined);
    return lacks.length > 0 ? [{ rule, lacks }] : [];
  });
  const seeing = rules.filter((rule) => !blind.some((one) => one.rule === rule));
  return {
    findings: seeing
      .flatMap((rule) => rule.find(patient).map((finding) => ({ rule, finding })))
      .sort((a, b) => RANK[a.finding.verdict] - RANK[b.finding.verdict]),
    blind,
    unread: facts.libvirt.domains
      .filter((domain) => (only === undefined || domain.name === only) && domainView(domain) === undefined)
      .map(({ name }) => name),
    looked: seeing.length,
  };
};
