import type { Lock } from "../facts/lock.ts";
import type { Problem } from "../facts/problem.ts";
import { runnerName, type Runner } from "./run-token.ts";

/** Who holds a lock, and what is known about it, in one line. */
export const describeLock = ({ owner, stack, process, peer, since, step, atWork, endsIn }: Lock): string =>
  `${owner === "" ? "somebody" : `${owner} (stack ${stack}, process ${process})`}${peer === "" ? "" : ` from ${peer}`} ` +
  `has been at work on it since ${since}; ${atWork ? "at work now" : "last step"}: ${step}${atWork ? "" : `; the lock ends in ${endsIn} s`}`;

/**
 * Why this run must not touch the host now: somebody else is at work there. A lock of this very machine is no reason
 * when its run is dead, nor what undoing left there a moment ago.
 * @param alive whether a process of this machine still runs
 */
export const lockProblem = (
  lock: Lock | undefined,
  runner: Runner,
  alive: (process: number) => boolean,
): Problem | undefined => {
  if (!lock) return undefined;
  const own = lock.owner === runnerName(runner.user, runner.machine);
  if (lock.samePeer && !lock.atWork && lock.owner === "") return undefined;
  if (lock.samePeer && own && lock.stack === runner.stack && !alive(Number(lock.process))) return undefined;
  return {
    path: "locked",
    problem: describeLock(lock),
    remedy:
      "wait until that run has ended; if it was killed, wait until the lock ends, or break it: " +
      "'vfio-fleet unlock' says how",
  };
};
