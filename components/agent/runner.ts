import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import type { Runner } from "../plan/run-token.ts";

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
 * Who works on a stack from this process. The one that counts is the engine: it starts the language host, which starts the program, and
 * lives until the last step has ended. When it is killed, the two below it may live on for a while.
 * @param id the process that counts; as the program sees it unless it is named
 */
export const thisRunner = (stack: string, id: number = parentOf(process.ppid)): Runner => ({
  moment: new Date(),
  user: userInfo().username,
  machine: hostname(),
  process: id,
  stack,
});

/** Whether a process of this machine is there; one that is somebody else's is. */
export const isThere = (id: number): boolean => {
  try {
    return process.kill(id, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};

/** Whether the process that a run named lives: the first one, which takes over orphans, runs nothing of ours. */
export const isAlive = (id: number): boolean => id > 1 && isThere(id);
