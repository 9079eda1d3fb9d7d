/** A lock between processes, held by a `flock` child: the kernel releases it when its holder ends for any reason. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { locksDir } from "../paths.ts";

/**
 * Runs `work` while this process holds the lock `name`. Waits for the lock without a limit; `onWait` is called once
 * if another process holds it.
 */
export const withLock = async <Result>(
  name: string,
  work: () => Promise<Result>,
  onWait?: () => void,
): Promise<Result> => {
  mkdirSync(locksDir(), { recursive: true });
  const file = join(locksDir(), name);
  // The child holds the lock until its standard input closes: at the end of `work`, or at this process's end.
  const holder = spawn("flock", ["--exclusive", file, "sh", "-c", "echo held; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    // Ctrl-C goes to the terminal's whole process group, but the lock has to last until this process has cleaned up.
    detached: true,
  });
  const waiting = onWait && setTimeout(onWait, 500);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("error", reject);
      holder.once("exit", (code) => reject(new Error(`lock ${file}: flock ended with exit status ${code}`)));
    });
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.removeAllListeners("exit");
    holder.stdin.end();
  }
};
