import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A command of the controller. */
export interface Command {
  readonly argv: readonly string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

export interface Measured {
  readonly seconds: number;
  /** Processor time of the command and of all children that it waited for; hosts do not count. */
  readonly cpuSeconds: number;
  readonly memoryMiB: number;
}

/** Shortest time between two reads of the memory, in milliseconds. */
const LOOK = 100;
/** Largest share of a core for these reads, because they run beside the measured command. */
const SHARE = 0.05;

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has ended in the meantime.
    return "";
  }
};

/** Memory of a process and all its descendants, in KiB; shared pages count once (proc(5): Pss). */
const treeKiB = (root: number): number => {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = textOf(`/proc/${name}/stat`);
    // A program's name may contain anything, brackets as well.
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const sum = (pid: number): number =>
    Number(/^Pss:\s+(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) +
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(root);
};

/**
 * Runs a command to its end under bash's own times, and reads the memory of its processes at intervals.
 * @throws with the command's output when it did not end with 0
 */
export const measure = async (command: Command): Promise<Measured> => {
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-bench-run-"));
  const said = join(folder, "output");
  try {
    const started = performance.now();
    const child = spawn(
      "bash",
      ["-c", 'TIMEFORMAT="%U %S"; time "$@" >"$SAID" 2>&1', "bench", ...command.argv],
      {
        ...(command.cwd !== undefined && { cwd: command.cwd }),
        env: { ...process.env, ...command.env, SAID: said },
        stdio: ["ignore", "ignore", "pipe"],
        detached: true,
      },
    );
    let times = "";
    child.stderr.on("data", (chunk: Buffer) => {
      times += chunk.toString();
    });
    let peak = 0;
    let next: NodeJS.Timeout;
    const look = (): void => {
      const before = process.cpuUsage();
      peak = Math.max(peak, treeKiB(child.pid ?? 0));
      const { user, system } = process.cpuUsage(before);
      next = setTimeout(look, Math.max(LOOK, (user + system) / 1000 / SHARE));
    };
    next = setTimeout(look, LOOK);
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(next);
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0)
      throw new Error(`${command.argv.join(" ")} ended with ${code}:\n${textOf(said).slice(-4000)}`);
    const [user = 0, system = 0] = times.trim().split(" ").map(Number);
    return { seconds, cpuSeconds: user + system, memoryMiB: Math.round(peak / 1024) };
  } finally {
    rmSync(folder, { recursive: true });
  }
};
