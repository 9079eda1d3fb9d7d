/** The identity of a process: a process id alone may have been reused. */
import { existsSync, readFileSync } from "node:fs";
import pWaitFor from "p-wait-for";

export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since this machine's boot, field 22 of /proc/PID/stat. */
  readonly startTime: number;
  /** This machine's boot, /proc/sys/kernel/random/boot_id. */
  readonly machineBoot: string;
}

const machineBoot = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

const startTime = (pid: number): number | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name in brackets, which may itself contain blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie counts as ended.
    return fields[0] === "Z" ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
};

/** The identity of a running process; throws if it has ended. */
export const identify = (pid: number): ProcessIdentity => {
  const started = startTime(pid);
  if (started === undefined) throw new Error(`process ${pid} has ended`);
  return { pid, startTime: started, machineBoot: machineBoot() };
};

/** Whether the same process still runs and has `argument` in its command line. */
export const isRunning = (identity: ProcessIdentity, argument: string): boolean => {
  if (identity.machineBoot !== machineBoot() || startTime(identity.pid) !== identity.startTime) return false;
  const file = `/proc/${identity.pid}/cmdline`;
  if (!existsSync(file)) return false;
  // The command line is empty while the process becomes another program.
  const line = readFileSync(file, "utf8");
  return line === "" || line.includes(argument);
};

/** Waits until it has ended; false when it has not within `timeoutMs`. */
export const waitForEnd = (
  identity: ProcessIdentity,
  argument: string,
  timeoutMs: number,
): Promise<boolean> =>
  pWaitFor(() => !isRunning(identity, argument) && pWaitFor.resolveWith(true), {
    interval: 50,
    timeout: { milliseconds: timeoutMs, fallback: () => false },
  });

/** Kills the process if it is still the same one. */
export const kill = (identity: ProcessIdentity, argument: string): void => {
  if (isRunning(identity, argument)) process.kill(identity.pid, "SIGKILL");
};
