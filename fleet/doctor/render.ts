import type { Diagnosis } from "../../components/doctor/diagnose.ts";
import type { Rule, Verdict } from "../../components/doctor/rule.ts";
import { counted } from "../ground/format.ts";
import { formatLabelled, type Paint, printable, type Style } from "../ground/terminal.ts";

const WORDS = {
  fault: ["red", "✗", "fault"],
  risk: ["yellow", "!", "risk"],
  expected: ["green", "·", "as it should be"],
} as const satisfies Record<Verdict, readonly [Style, string, string]>;

const count = ({ findings }: Diagnosis, verdict: Verdict): number =>
  findings.filter(({ finding }) => finding.verdict === verdict).length;

const summary = (diagnosis: Diagnosis): string => {
  const faults = count(diagnosis, "fault");
  const risks = count(diagnosis, "risk");
  const found =
    faults + risks === 0
      ? "nothing wrong"
      : [faults > 0 ? counted(faults, "fault") : "", risks > 0 ? counted(risks, "risk") : ""]
          .filter((part) => part !== "")
          .join(", ");
  return `${found} (${counted(diagnosis.looked, "rule")} checked)`;
};

/** Findings grouped by rule: the explanation is printed once a rule. */
const byRule = ({ findings }: Diagnosis): { rule: Rule; findings: Diagnosis["findings"] }[] =>
  [...new Set(findings.map(({ rule }) => rule))].map((rule) => ({
    rule,
    findings: findings.filter((one) => one.rule === rule),
  }));

/** One host's diagnosis as text, at most 100 columns wide. */
export const renderDiagnosis = (name: string, diagnosis: Diagnosis, paint: Paint): string => {
  const blocks = byRule(diagnosis).map(({ rule, findings }) => {
    const line = (label: string, text: string): string =>
      formatLabelled(`    ${paint("dim", label.padEnd(7))} `, printable(text));
    const remedies = [...new Set(findings.map(({ finding }) => finding.remedy ?? rule.remedy))];
    const [worst] = findings;
    const [style, mark] = WORDS[worst?.finding.verdict ?? "risk"];
    return [
      `${paint(style, mark)} ${paint("bold", rule.title)} ${paint("dim", `(${rule.id})`)}`,
      ...findings.map(({ finding }) =>
        formatLabelled(
          `    ${paint(WORDS[finding.verdict][0], `${printable(finding.subject)}:`)} `,
          printable(finding.found),
        ),
      ),
      line("why", rule.explanation),
      ...remedies.map((remedy) => line("→", remedy)),
      line("source", rule.source),
    ].join("\n");
  });
  const blind = diagnosis.blind.map(({ rule }) => rule.id);
  return [
    `${paint("bold", printable(name))}: ${summary(diagnosis)}`,
    ...blocks,
    ...(diagnosis.unread.length > 0
      ? [
          formatLabelled(
            `${paint("yellow", "Not checked:")} `,
            printable(
              `${diagnosis.unread.join(", ")}: the definitions could not be read. Log in as root, or as a user with sudo.`,
            ),
          ),
        ]
      : []),
    ...(blind.length > 0
      ? [
          formatLabelled(
            `${paint("yellow", "Not checked, needs root:")} `,
            `${blind.join(", ")}. Log in as root, or as a user with sudo.`,
          ),
        ]
      : []),
  ].join("\n\n");
};

/** All rules as text, for `--rules`. */
export const renderRules = (rules: readonly Rule[], paint: Paint): string =>
  rules
    .map((rule) =>
      [
        paint("bold", rule.id),
        formatLabelled("    ", `${rule.title}. Reads ${rule.looksAt}.`),
        formatLabelled(`    ${paint("dim", "source")} `, rule.source),
      ].join("\n"),
    )
    .join("\n");
