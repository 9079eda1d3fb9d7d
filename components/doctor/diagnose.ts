import { domainView } from "../plan/domain/domain-view.ts";
import type { Facts } from "../facts/facts.ts";
import type { Survey } from "../facts/survey.ts";
import { patientOf } from "./patient.ts";
import { rules } from "./registry.ts";
import type { Finding, Rule, Verdict } from "./rule.ts";

export interface Diagnosis {
  /** Rules that fired, the worst first. */
  readonly findings: readonly { readonly rule: Rule; readonly finding: Finding }[];
  /** Rules that could not be checked, and the parts of the survey that they lack. */
  readonly blind: readonly { readonly rule: Rule; readonly lacks: readonly string[] }[];
  /** Domains whose definitions could not be read, so that no rule has checked them. */
  readonly unread: readonly string[];
  readonly looked: number;
}

const RANK = { fault: 0, risk: 1, expected: 2 } as const satisfies Record<Verdict, number>;

/**
 * Checks one host with every rule.
 * @param only name of a domain: rules about domains then check this one alone
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
