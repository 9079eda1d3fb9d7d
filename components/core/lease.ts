import { z } from "zod";
import type { Problem } from "./problem.ts";
import { runnerName, type Runner } from "./run.ts";

/** The lease that a run of `up` or `destroy` has on a host (components/host/lease.sh), while it lasts. */
export const leaseSchema = z.strictObject({
  owner: z.string().describe("user@machine; empty for a destroy, which does not say who runs it"),
  stack: z.string(),
  process: z.string().describe("process id on the owner's machine"),
  peer: z.string().describe("address that the owner's steps come from; empty for the host itself"),
  samePeer: z.boolean().describe("the probe came from that address as well"),
  since: z.string().describe("UTC, by the host's clock; also the lease's name"),
  step: z.string().describe("the last step"),
  atWork: z.boolean().describe("that step has not ended"),
  endsIn: z.number().int().describe("seconds until it ends by itself, unless another step comes"),
});
export type Lease = z.infer<typeof leaseSchema>;

/** Who holds a lease, and what is known about it, in one line. */
export const describeLease = ({ owner, stack, process, peer, since, step, atWork, endsIn }: Lease): string =>
  `${owner === "" ? "somebody" : `${owner} (stack ${stack}, process ${process})`}${peer === "" ? "" : ` from ${peer}`} ` +
  `has been at work on it since ${since}; ${atWork ? "at work now" : "last step"}: ${step}${atWork ? "" : `; the lock ends in ${endsIn} s`}`;

/**
 * Why this run must not touch the host now: somebody else is at work there. A lease of this very machine is no reason
 * when its run is dead, nor what undoing left there a moment ago.
 * @param alive whether a process of this machine still runs
 */
export const leaseProblem = (
  lease: Lease | undefined,
  runner: Runner,
  alive: (process: number) => boolean,
): Problem | undefined => {
  if (!lease) return undefined;
  const own = lease.owner === runnerName(runner.user, runner.machine);
  if (lease.samePeer && !lease.atWork && lease.owner === "") return undefined;
  if (lease.samePeer && own && lease.stack === runner.stack && !alive(Number(lease.process)))
    return undefined;
  return {
    path: "locked",
    problem: describeLease(lease),
    remedy:
      "wait until that run has ended; if it was killed, wait until the lock ends, or break it: " +
      "'vfio-fleet unlock' says how",
  };
};
