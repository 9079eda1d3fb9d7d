/**
 * `npm run bench [-- --hosts 1,8,32,128 --rounds 3 --only ssh,vfio --json FILE]`: the same job on the same hosts by
 * plain ssh, pyinfra, Ansible and this project. It measures a first apply on fresh hosts, an apply with nothing to
 * change, and a dry run.
 * Hosts are made up on loopback (test/support/bed), so controller and hosts share the machine. New figures are added
 * to those in FILE, and the table shows them all.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cacheDir } from "../lab/paths.ts";
import { startBedFleet, type BedFleet } from "../test/support/bed/stacks.ts";
import { figuresTable, PHASES, readFigures, writeFigures, type Figures } from "./figures.ts";
import { checkHost, takeJob } from "./job.ts";
import { measure } from "./measure.ts";
import { installPeers, own, peerVersions, peers, writeInventories } from "./peers.ts";

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
if (![...sizes, rounds].every((count) => Number.isInteger(count) && count > 0))
  throw new Error("--hosts takes numbers of hosts such as 1,8; --rounds takes one number");

const withFleet = async <T>(count: number, use: (fleet: BedFleet) => Promise<T>): Promise<T> => {
  const fleet = await startBedFleet(count, "test-bench");
  try {
    return await use(fleet);
  } finally {
    await fleet.stop();
  }
};

const cache = cacheDir();
mkdirSync(cache, { recursive: true });
const python = installPeers(cache);
const { samples: before, ...about } = readFigures(values.json, peerVersions(python));
const samples = [...before];
const figures: Figures = { ...about, samples };
const jobFolder = mkdtempSync(join(tmpdir(), "vfio-fleet-bench-job-"));
try {
  const job = await withFleet(1, async (fleet) => {
    const up = await fleet.fleet("up", ...fleet.names);
    if (up.code !== 0) throw new Error(up.output);
    return takeJob(fleet.host(0), jobFolder);
  });
  const tools = [...peers(job, jobFolder, python), own].filter(({ name }) =>
    values.only.split(",").some((part) => name.toLowerCase().includes(part.toLowerCase())),
  );
  for (const hosts of sizes)
    for (let round = 1; round <= rounds; round++)
      for (const tool of tools)
        // Each tool gets fresh hosts, so that its first apply really is the first.
        await withFleet(hosts, async (fleet) => {
          writeInventories(fleet.bed, jobFolder);
          for (const phase of PHASES) {
            const measured = await measure(tool.command(phase, fleet));
            for (const host of fleet.bed.hosts) checkHost(host, job, jobFolder, `${tool.name}, ${phase}`);
            samples.push({ hosts, tool: tool.name, phase, ...measured });
            if (values.json !== undefined) writeFigures(values.json, figures);
            console.error(
              `${hosts} hosts, round ${round}, ${tool.name}, ${phase}: ${measured.seconds.toFixed(2)} s, CPU ${measured.cpuSeconds.toFixed(1)} s, ${measured.memoryMiB} MiB`,
            );
          }
        });
  console.log(figuresTable(figures));
  console.log(
    `\nMedians; in brackets: the ratio to the floor. Controller and hosts on ${figures.machine}. ${figures.versions}.`,
  );
} finally {
  rmSync(jobFolder, { recursive: true });
}
