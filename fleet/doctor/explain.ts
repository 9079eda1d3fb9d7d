import type { Facts } from "../../components/facts/facts.ts";
import type { Survey } from "../../components/facts/survey.ts";
import { diagnose, type Diagnosis } from "../../components/doctor/diagnose.ts";
import { rules } from "../../components/doctor/registry.ts";
import { CommandError } from "../ground/command-error.ts";
import { readFacts, type FactsSource } from "../targets/read-facts.ts";
import { formatJson, paintFor, printable } from "../ground/terminal.ts";
import { renderDiagnosis, renderRules } from "./render.ts";

/** The options as the command line gives them. */
export interface DoctorOptions extends FactsSource {
  readonly json?: true;
  readonly rules?: true;
}

const surveyed = (name: string, facts: Facts): Facts & { survey: Survey } => {
  if (facts.survey) return { ...facts, survey: facts.survey };
  throw new CommandError(
    `${printable(name)}: the facts file has no survey, which the doctor needs; write it again with vfio-fleet inspect --save`,
  );
};

const toJson = (name: string, { findings, blind, unread, looked }: Diagnosis): unknown => ({
  name,
  looked,
  unread,
  findings: findings.map(({ rule, finding }) => ({
    rule: rule.id,
    title: rule.title,
    ...finding,
    explanation: rule.explanation,
    remedy: finding.remedy ?? rule.remedy,
    source: rule.source,
  })),
  blind: blind.map(({ rule, lacks }) => ({ rule: rule.id, lacks })),
});

const list = ({ json }: DoctorOptions): number => {
  // what a rule does is no JSON, and is left out
  console.log(json ? formatJson(rules) : renderRules(rules, paintFor(process.stdout)));
  return 0;
};

/**
 * `vfio-fleet doctor`. Returns the exit status: 1 when a fault was found, 2 when a host could not be probed. Throws a
 * CommandError.
 */
export const doctor = async (
  target: string | undefined,
  domain: string | undefined,
  options: DoctorOptions,
): Promise<number> => {
  if (options.rules) return list(options);
  // with --from the only argument is the domain
  const only = options.from === undefined ? domain : (domain ?? target);
  const { hosts, failures } = await readFacts(options.from === undefined ? target : undefined, options);
  const names = hosts.flatMap(({ facts }) => facts.libvirt.domains.map(({ name }) => name));
  if (only !== undefined && hosts.length > 0 && !names.includes(only))
    throw new CommandError(
      `no host has a domain "${printable(only)}"; the hosts have ${printable(names.join(", ")) || "no domain"}`,
    );
  const checked = hosts.filter(
    ({ facts }) => only === undefined || facts.libvirt.domains.some(({ name }) => name === only),
  );
  const diagnoses = checked.map(({ name, facts }) => ({
    name,
    diagnosis: diagnose(surveyed(name, facts), only),
  }));
  if (options.json) console.log(formatJson(diagnoses.map(({ name, diagnosis }) => toJson(name, diagnosis))));
  else if (diagnoses.length > 0)
    console.log(
      diagnoses
        .map(({ name, diagnosis }) => renderDiagnosis(name, diagnosis, paintFor(process.stdout)))
        .join("\n\n"),
    );
  for (const message of failures) console.error(message);
  if (failures.length > 0) return 2;
  return diagnoses.some(({ diagnosis }) =>
    diagnosis.findings.some(({ finding }) => finding.verdict === "fault"),
  )
    ? 1
    : 0;
};
