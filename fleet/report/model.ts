import { cardReports, type CardReport } from "../../components/plan/cards/card-report.ts";
import type { Facts } from "../../components/facts/facts.ts";
import { iommuState, type IommuState } from "../../components/plan/kernel/iommu-state.ts";
import { diagnose, type Diagnosis } from "../../components/doctor/diagnose.ts";
import type { Target } from "../targets/target.ts";
import { hostDrift, lastRollout, type HostDrift, type Rollout } from "./drift.ts";

/** One host as the page shows it. */
export interface ReportHost {
  /** Anchor, unique in the page. */
  readonly id: string;
  readonly name: string;
  readonly stack: string | undefined;
  readonly facts: Facts;
  readonly cards: readonly CardReport[];
  readonly iommu: IommuState;
  readonly diagnosis: Diagnosis | undefined;
  readonly drift: HostDrift;
  readonly rollout: Rollout | undefined;
}

export interface Report {
  readonly takenAt: string;
  readonly hosts: readonly ReportHost[];
  /** One message for each host that could not be probed. */
  readonly failures: readonly string[];
}

export interface ReportInput {
  readonly takenAt: string;
  readonly hosts: readonly { readonly name: string; readonly facts: Facts; readonly target?: Target }[];
  readonly failures: readonly string[];
}

/** Builds the report: each host's cards, findings and drift from its stack. */
export const makeReport = ({ takenAt, hosts, failures }: ReportInput): Report => ({
  takenAt,
  failures,
  hosts: hosts.map(({ name, facts, target }, index) => ({
    id: `host-${index + 1}`,
    name,
    stack: target?.stack,
    facts,
    cards: cardReports(facts),
    iommu: iommuState(facts).state,
    diagnosis: facts.survey && diagnose({ ...facts, survey: facts.survey }),
    drift: hostDrift(facts, target),
    rollout: lastRollout(facts),
  })),
});

/** Number of a host's findings with this verdict. */
export const countFindings = (host: ReportHost, verdict: "fault" | "risk"): number =>
  host.diagnosis?.findings.filter(({ finding }) => finding.verdict === verdict).length ?? 0;
