import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import type { Runner } from "../core/run.ts";

/** Its parent's id, or its own where that cannot be found out. */
const parentOf = (id: number): number => {
  try {
    // the name in brackets may hold anything (proc(5))
    const [, parent] = readFileSync(`/proc/${id}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
    return Number(parent) || id;
  } catch {
    // no /proc: another system than Linux
  }
  try {
    return Number(execFileSync("ps", ["-o", "ppid=", "-p", String(id)], { encoding: "utf8" })) || id;
  } catch {
    return id;
  }
};

/**
 * Who runs this program. The process is the engine: it starts the language host, which starts this program, and lives until
 * the last step has ended. When it is killed, the two below it may live on for a while.
 */
export const thisRunner = (stack: string): Runner => ({
  moment: new Date(),
  user: userInfo().username,
  machine: hostname(),
  process: parentOf(process.ppid),
  stack,
});

/** Whether a process of this machine lives; one that is somebody else's does. */
export const isAlive = (id: number): boolean => {
  try {
    return id > 1 && process.kill(id, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};
