import { formatProblems } from "../../components/facts/problem.ts";
import type { Facts } from "../../components/facts/facts.ts";
import { probeQuestion } from "../../components/host/host-question.ts";
import { surveyQuestion } from "../../components/host/host-survey.ts";
import { probeHost } from "../../components/probe/probe-host.ts";
import type { Target } from "./target.ts";

/** A host with its facts, or why there are none. */
export type Probed =
  | { readonly ok: true; readonly target: Target; readonly facts: Facts }
  | { readonly ok: false; readonly target: Target; readonly message: string };

const probeOne = async (target: Target): Promise<Probed> => {
  if (!target.connection.ok)
    return { ok: false, target, message: formatProblems(target.name, target.connection.problems) };
  const base = target.spec && probeQuestion(target.spec);
  try {
    return { ok: true, target, facts: await probeHost(target.connection.value, surveyQuestion(base)) };
  } catch (error) {
    return { ok: false, target, message: error instanceof Error ? error.message : String(error) };
  }
};

/** Probes all hosts in parallel and changes nothing. The results come in the hosts' order. */
export const probeHosts = (targets: readonly Target[]): Promise<Probed[]> =>
  Promise.all(targets.map(probeOne));
