/** Which process is meant: a process id alone may have gone to another one since. */
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
    // the second field is the name in brackets, which may hold blanks and brackets
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // a zombie is gone for every purpose here
    return fields[0] === "Z" ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
};

/** Throws when there is no such process any more. */
export const identify = (pid: number): ProcessIdentity => {
  const started = startTime(pid);
  if (started === undefined) throw new Error(`process ${pid} has ended`);
  return { pid, startTime: started, machineBoot: machineBoot() };
};

/** Whether it still runs, is the same process, and has `argument` in its command line. */
export const isRunning = (identity: ProcessIdentity, argument: string): boolean => {
  if (identity.machineBoot !== machineBoot() || startTime(identity.pid) !== identity.startTime) return false;
  const file = `/proc/${identity.pid}/cmdline`;
  if (!existsSync(file)) return false;
  // it is empty while the process becomes another program
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

/** Ends it at once, if it is the one that is meant. */
export const kill = (identity: ProcessIdentity, argument: string): void => {
  if (isRunning(identity, argument)) process.kill(identity.pid, "SIGKILL");
};
