import type { Facts } from "../../facts/facts.ts";
import type { KernelSpec } from "./kernel-spec.ts";
import type { Problem } from "../../facts/problem.ts";

/** With the policy `ask`, the reboot waits for this in the environment of the program. */
export const CONSENT = "VFIO_FLEET_REBOOT=yes";

export interface RebootPlan {
  /** the agent's words behind `reboot`: the policy, and how many seconds domains have to shut down (0: none may run) */
  readonly args: readonly string[];
  readonly consent: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** What a reboot that is due means for this host. `unmet` says why it is due; empty when it is not. */
export const planReboot = (
  kernel: KernelSpec,
  facts: Facts,
  unmet: readonly string[],
  consent: boolean,
): RebootPlan => {
  const policy = kernel.reboot;
  const args = [policy, String(kernel.drain ? kernel.drainTimeoutSeconds : 0)];
  const happens = policy === "auto" || (policy === "ask" && consent);
  const plan = { args, consent: policy === "ask" && consent };
  if (unmet.length === 0) return { ...plan, problems: [], warnings: [] };
  const running = facts.libvirt.domains.filter((domain) => domain.running).map((domain) => domain.name);
  const problems =
    happens && running.length > 0 && !kernel.drain
      ? [
          {
            path: "domains",
            problem: `the host has to reboot and ${running.join(", ")} would lose power`,
            remedy:
              "set kernel.drain: true, shut them down first (virsh shutdown NAME), or set kernel.reboot: never",
          },
        ]
      : [];
  const why = `${unmet.slice(0, 3).join("; ")}${unmet.length > 3 ? "; …" : ""}`;
  const drained =
    happens && kernel.drain && running.length > 0
      ? [`${running.join(", ")}: shut down before the reboot (kernel.drain) and started again after it`]
      : [];
  const due = {
    auto: `the host will be rebooted (${why})`,
    ask: consent
      ? `the host will be rebooted, as ${CONSENT} says (${why})`
      : `a reboot is due (${why}): up stops before it; run it with ${CONSENT}, or reboot the host yourself and run it again`,
    never: `a reboot is due (${why}) and left to you: reboot the host, then run up again`,
  } as const satisfies Record<KernelSpec["reboot"], string>;
  return { ...plan, problems, warnings: [due[policy], ...drained] };
};
