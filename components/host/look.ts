import type { Facts } from "../facts/facts.ts";
import { formatProblems, type Checked } from "../facts/problem.ts";
import type { ProbeQuestion } from "../facts/question.ts";
import { probeHost } from "../probe/probe-host.ts";
import type { Connection } from "../ssh/connection.ts";
import { probeQuestion } from "./host-question.ts";
import type { HostSpec } from "./host-spec.ts";
import { judgeHost, type PlannedHost } from "./judge.ts";

/** One host as its stack describes it. */
export interface DescribedHost {
  readonly stack: string;
  readonly name: string;
  readonly spec: HostSpec;
  readonly connection: Checked<Connection>;
}

/** One host as it was found, or why nothing can be declared for it. */
export type HostLook = FoundHost | HostObjection;

export interface FoundHost {
  readonly ok: true;
  readonly name: string;
  readonly connection: Connection;
  readonly facts: Facts;
  readonly verdict: PlannedHost;
}

export interface HostObjection {
  readonly ok: false;
  readonly name: string;
  readonly message: string;
  /** another run is at work on the host */
  readonly locked?: true;
}

/** How a host is asked. Throws a HostError when it cannot be. */
export type Ask = (connection: Connection, question: ProbeQuestion) => Promise<Facts>;

/** Asks one host what its plan needs, and judges it: one connection, nothing changed. */
export const lookAtHost = async (
  { stack, name, spec, connection }: DescribedHost,
  ask: Ask = probeHost,
): Promise<HostLook> => {
  if (!connection.ok) return { ok: false, name, message: formatProblems(name, connection.problems) };
  const facts = await ask(connection.value, probeQuestion(spec)).catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  );
  if (facts instanceof Error) return { ok: false, name, message: facts.message };
  const verdict = judgeHost({ stack, name, spec, facts });
  if (verdict.kind === "planned") return { ok: true, name, connection: connection.value, facts, verdict };
  const message = formatProblems(name, verdict.problems);
  return { ok: false, name, message, ...(verdict.kind === "locked" && { locked: true }) };
};
