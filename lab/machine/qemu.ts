/** Starts a host's QEMU and ensures that no process is left behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostDir } from "../paths.ts";
import { identify, kill, type ProcessIdentity, waitForEnd } from "./process.ts";
import { HOST_FILES } from "./qemu-args.ts";
import { withSignals } from "./signals.ts";

/** `detached`: QEMU runs until it is stopped. `process`: QEMU ends with this process at the latest. */
export type Lifetime = "detached" | "process";

/**
 * Starts QEMU in its own session, so that the terminal's Ctrl-C does not reach it, and runs `bringUp`. QEMU is ended
 * if `bringUp` fails or this process gets a signal.
 */
export const launch = async (
  name: string,
  qemu: readonly string[],
  lifetime: Lifetime,
  bringUp: (process: ProcessIdentity) => Promise<void>,
): Promise<void> => {
  const folder = hostDir(name);
  writeFileSync(join(folder, HOST_FILES.serial), "");
  const log = openSync(join(folder, HOST_FILES.log), "w");
  // setpriv becomes QEMU, and the kernel kills it when this process ends for any reason.
  const [command = "", ...rest] = lifetime === "process" ? ["setpriv", "--pdeathsig", "KILL", ...qemu] : qemu;
  const child = spawn(command, rest, { cwd: folder, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  const failedToStart = new Promise<never>((_, reject) => child.once("error", reject));
  failedToStart.catch(() => undefined);
  if (child.pid === undefined) return failedToStart;
  const ended = once(child, "exit").then(([code, signal]) => {
    const how = signal === null ? `with status ${code}` : `by ${signal}`;
    const said = lastLines(join(folder, HOST_FILES.log), 5) || "it said nothing";
    throw new Error(`${name}: QEMU ended ${how}: ${said}`);
  });
  ended.catch(() => undefined);
  let identity: ProcessIdentity;
  try {
    identity = identify(child.pid);
  } catch {
    throw new Error(`${name}: QEMU did not start: ${lastLines(join(folder, HOST_FILES.log), 5)}`);
  }
  const end = (): void => kill(identity, folder);
  try {
    await withSignals(end, () => Promise.race([bringUp(identity), ended]));
    child.unref();
  } catch (error) {
    end();
    await waitForEnd(identity, folder, 5000);
    throw error;
  }
};

const lastLines = (file: string, count: number): string =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.includes("warning: TCG doesn't support requested feature"))
    .slice(-count)
    .join("\n");
