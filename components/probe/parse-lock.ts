import type { Lock } from "../facts/lock.ts";
import { integer } from "./sections.ts";

/**
 * The lock that a host's lock file holds, unless it has ended: it does some time after its last step, and that time
 * counts from the boot when the host has rebooted since, for a reboot is part of a run.
 */
export const parseLock = (
  found: Readonly<Record<string, string>>,
  uptime: number | undefined,
  bootId: string | undefined,
): { readonly lock?: Lock } => {
  const { owner = "", stack = "", process = "", peer = "", since, step = "", boot } = found;
  if (!since) return {};
  const sameBoot = boot === bootId;
  const age = sameBoot ? (uptime ?? 0) - (integer(found["seen"]) ?? 0) : (uptime ?? 0);
  const endsIn = (integer(found["idle"]) ?? 0) - Math.max(0, age);
  const atWork = sameBoot && found["at-work"] === "yes";
  if (!atWork && endsIn <= 0) return {};
  return {
    lock: {
      owner,
      stack,
      process,
      peer,
      samePeer: peer === (found["asked-from"] ?? ""),
      since,
      step,
      atWork,
      endsIn: Math.max(0, endsIn),
    },
  };
};
