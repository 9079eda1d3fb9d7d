import type { Facts } from "../../components/facts/facts.ts";
import { lockProblem } from "../../components/plan/lock.ts";
import { formatProblems } from "../../components/facts/problem.ts";
import { probeQuestion } from "../../components/host/host-question.ts";
import type { ProbeQuestion } from "../../components/facts/question.ts";
import type { Connection } from "../../components/ssh/connection.ts";
import { probeHost } from "../../components/probe/probe-host.ts";
import { isThere, thisRunner } from "../../components/agent/runner.ts";
import type { Target } from "./target.ts";
import { hostState, type HostState } from "../stack/clean/settled.ts";

/** One host as it was found, or why it could not be asked. */
export type HostLook =
  | { readonly ok: true; readonly name: string; readonly state: HostState }
  | {
      readonly ok: false;
      readonly name: string;
      readonly message: string;
      /** another run is at work on the host */
      readonly locked?: true;
    };

/** How a host is asked; throws a HostError when it cannot be. */
export type Ask = (connection: Connection, question: ProbeQuestion) => Promise<Facts>;

/** Asks one host of a stack what its plan needs, and plans: one connection, nothing changed. */
export const lookAtHost = async (
  stack: string,
  { name, spec, connection }: Target,
  ask: Ask = probeHost,
): Promise<HostLook> => {
  if (spec === undefined) return { ok: false, name, message: "no stack describes this host" };
  if (!connection.ok) return { ok: false, name, message: formatProblems(name, connection.problems) };
  try {
    const facts = await ask(connection.value, probeQuestion(spec));
    // what a host shows in the middle of another run's work says nothing
    const locked = lockProblem(facts.lock, thisRunner(stack, process.pid), isThere);
    if (locked) return { ok: false, name, message: formatProblems(name, [locked]), locked: true };
    return { ok: true, name, state: hostState(stack, { name, spec, connection: connection.value, facts }) };
  } catch (error) {
    return { ok: false, name, message: error instanceof Error ? error.message : String(error) };
  }
};

/** What stands against a host at all: it did not answer, or the plan refuses it. */
export const objection = (look: HostLook): string | undefined => {
  if (!look.ok) return look.message;
  return look.state.kind === "refused" ? formatProblems(look.name, look.state.problems) : undefined;
};

/** Settled hosts with their states; undefined when any is not. */
export const allSettled = (
  looks: readonly HostLook[],
):
  | readonly { readonly name: string; readonly state: HostState & { readonly kind: "settled" } }[]
  | undefined => {
  const settled = looks.flatMap((look) =>
    look.ok && look.state.kind === "settled" ? [{ name: look.name, state: look.state }] : [],
  );
  return settled.length === looks.length ? settled : undefined;
};
