/**
 * `npm run bench [-- --hosts 1,8,32,128 --rounds 3 --only ssh,vfio --json FILE]`: the same job on the same hosts by plain ssh, pyinfra, Ansible and this
 * project: first apply on fresh hosts, nothing to change, dry run. Hosts are made up on loopback (test/support/bed); controller and
 * hosts share the machine.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatTable } from "../fleet/terminal.ts";
import { cacheDir } from "../lab/paths.ts";
import type { BedHost } from "../test/support/bed/bed.ts";
import { startBedFleet, type BedFleet } from "../test/support/bed/stacks.ts";
import { median } from "./median.ts";
import { installPeers, peers, takeJob, writeInventories, type Peer, type Phase } from "./peers.ts";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "1,8,32,128" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    json: { type: "string" },
  },
});
const sizes = values.hosts.split(",").map(Number);
const rounds = Number(values.rounds);
const PHASES = ["apply", "again", "dry"] as const satisfies readonly Phase[];
const ROOT = join(import.meta.dirname, "..");

interface Sample {
  readonly hosts: number;
  readonly tool: string;
  readonly phase: Phase;
  readonly seconds: number;
  /** of the tool's processes, not of the hosts' */
  readonly cpuSeconds: number;
  readonly memoryMiB: number;
}

/** Resident memory of a process and of all that it started, in KiB. */
const treeKiB = (root: number): number => {
  const rows = execFileSync("ps", ["-eo", "pid=,ppid=,rss="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number, number]);
  const inTree = new Set([root]);
  // a child's number may be lower than its parent's, so once is not enough
  for (let before = 0; before !== inTree.size;) {
    before = inTree.size;
    for (const [pid, parent] of rows) if (inTree.has(parent)) inTree.add(pid);
  }
  return rows.reduce((sum, [pid, , kib]) => (inTree.has(pid) ? sum + kib : sum), 0);
};

/** Runs a command under `bash`'s own times, and looks at the memory of its process tree while it runs. */
const measure = async (
  command: ReturnType<Peer["command"]>,
  allowed: readonly number[],
): Promise<Omit<Sample, "hosts" | "tool" | "phase">> => {
  const started = performance.now();
  const child = spawn(
    "bash",
    ["-c", 'TIMEFORMAT="%U %S"; time "$@" >"$ERRORS" 2>&1', "bench", ...command.argv],
    {
      cwd: command.cwd ?? ROOT,
      env: { ...process.env, ...command.env, ERRORS: join(tmpdir(), `vfio-fleet-bench-${process.pid}.err`) },
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    },
  );
  let times = "";
  child.stderr.on("data", (chunk: Buffer) => {
    times += chunk.toString();
  });
  let peak = 0;
  const look = setInterval(() => {
    peak = Math.max(peak, treeKiB(child.pid ?? 0));
  }, 250);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(look);
  const seconds = (performance.now() - started) / 1000;
  if (code === null || !allowed.includes(code)) {
    const said = readFileSync(join(tmpdir(), `vfio-fleet-bench-${process.pid}.err`), "utf8").slice(-4000);
    throw new Error(`${command.argv.join(" ")} ended with ${code}:\n${said}`);
  }
  const [user = 0, system = 0] = times.trim().split(" ").map(Number);
  return { seconds, cpuSeconds: user + system, memoryMiB: Math.round(peak / 1024) };
};

/** The host is as the job wants it, seen from outside. */
const check = (host: BedHost, tool: string): void => {
  const found = host.run(
    "cat /proc/cmdline; readlink /sys/bus/pci/devices/0000:01:00.0/driver; wc -l </var/log/reboots",
  );
  if (!/intel_iommu=on iommu=pt[^]*vfio-pci\n1$/.test(found))
    throw new Error(`${tool} left ${host.name} as:\n${found}`);
};

const own = (fleet: BedFleet): Peer => ({
  name: "vfio-fleet",
  command: (phase) => ({
    argv: [
      "node",
      "fleet/main.ts",
      phase === "apply" ? "up" : phase === "again" ? "up" : "status",
      ...fleet.names,
    ],
    env: { ...fleet.environment },
  }),
});

const withFleet = async <T>(
  count: number,
  use: (fleet: BedFleet, folder: string) => Promise<T>,
): Promise<T> => {
  const fleet = await startBedFleet(count, "test-bench");
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-bench-"));
  try {
    return await use(fleet, folder);
  } finally {
    rmSync(folder, { recursive: true });
    await fleet.stop();
  }
};

const cache = cacheDir();
mkdirSync(cache, { recursive: true });
const python = installPeers(cache);
const samples: Sample[] = [];
const jobFolder = mkdtempSync(join(tmpdir(), "vfio-fleet-bench-job-"));
try {
  const job = await withFleet(1, async (fleet) => {
    const up = await fleet.fleet("up", ...fleet.names);
    if (up.code !== 0) throw new Error(up.output);
    return takeJob(fleet.host(0), jobFolder);
  });
  const names = [...peers(job, jobFolder, python).map(({ name }) => name), "vfio-fleet"].filter((name) =>
    values.only.split(",").some((part) => name.toLowerCase().includes(part)),
  );
  for (const hosts of sizes)
    for (let round = 1; round <= rounds; round++)
      for (const tool of names) {
        // fresh hosts for each: the first apply is the first
        await withFleet(hosts, async (fleet) => {
          writeInventories(fleet.bed, jobFolder);
          const peer =
            tool === "vfio-fleet"
              ? own(fleet)
              : peers(job, jobFolder, python).find(({ name }) => name === tool);
          if (!peer) throw new Error(`there is no ${tool}`);
          for (const phase of PHASES) {
            const sample = { hosts, tool, phase, ...(await measure(peer.command(phase), [0])) };
            if (phase === "apply") for (const host of fleet.bed.hosts) check(host, tool);
            samples.push(sample);
            console.error(
              `${hosts} hosts, round ${round}, ${tool}, ${phase}: ${sample.seconds.toFixed(2)} s, CPU ${sample.cpuSeconds.toFixed(1)} s, ${sample.memoryMiB} MiB`,
            );
          }
        });
      }
  const of = (
    hosts: number,
    tool: string,
    phase: Phase,
    what: "seconds" | "cpuSeconds" | "memoryMiB",
  ): number =>
    median(
      samples.flatMap((sample) =>
        sample.hosts === hosts && sample.tool === tool && sample.phase === phase ? [sample[what]] : [],
      ),
    );
  const rows = sizes.flatMap((hosts) =>
    names.map((tool) => {
      const cell = (phase: Phase): string => {
        const seconds = of(hosts, tool, phase, "seconds");
        const floor = of(hosts, "ssh (floor)", phase, "seconds");
        return Number.isNaN(floor)
          ? seconds.toFixed(2)
          : `${seconds.toFixed(2)} (${(seconds / floor).toFixed(1)} x)`;
      };
      return [
        String(hosts),
        tool,
        ...PHASES.map(cell),
        of(hosts, tool, "apply", "cpuSeconds").toFixed(1),
        String(Math.max(...PHASES.map((phase) => of(hosts, tool, phase, "memoryMiB")))),
      ];
    }),
  );
  const head = [
    "Hosts",
    "Tool",
    "First apply, s",
    "Nothing to change, s",
    "Dry run, s",
    "CPU, apply, s",
    "MiB",
  ];
  console.log(formatTable(head, rows, (_, text) => text, 120));
  console.log(
    `Medians of ${rounds}; in brackets: to the floor. ${cpus().length} x ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB; hosts on the same machine.`,
  );
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      `${JSON.stringify({ machine: cpus()[0]?.model, cores: cpus().length, samples }, undefined, 2)}\n`,
    );
} finally {
  rmSync(jobFolder, { recursive: true });
}
