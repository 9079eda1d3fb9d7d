/**
 * `npm run bench:simulate [-- 10000]`: what a look at so many clean hosts costs this side, without a network: one recorded answer is
 * parsed, planned, fingerprinted and compared for each host, with a state of its own in a database's place.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConnection } from "../components/remote/connection.ts";
import { AGENT } from "../components/core/agent-path.ts";
import { probeHost } from "../components/remote/probe.ts";
import { hostSchema, probeQuestion } from "../components/host-plan.ts";
import { stateReader } from "../fleet/clean/checkpoint.ts";
import { fingerprint } from "../fleet/clean/fingerprint.ts";
import { programDigest } from "../fleet/clean/program.ts";
import { hostState } from "../fleet/clean/settled.ts";
import { startBedFleet } from "../test/support/bed/stacks.ts";

const count = Number(process.argv[2] ?? 10_000);
const fleet = await startBedFleet(1, "test-simulate");
const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-simulate-"));
try {
  const name = fleet.names[0] ?? "";
  const up = await fleet.fleet("up", name);
  if (up.code !== 0) throw new Error(up.output);
  const spec = hostSchema.parse({
    connection: fleet.host(0).connection,
    cards: { gpu: { address: "0000:01:00.0", ids: ["10de:1c81", "10de:0fb9"] } },
  });
  const connection = resolveConnection("", spec.connection);
  if (!connection.ok) throw new Error(JSON.stringify(connection.problems));
  const recorded = JSON.stringify(await probeHost(connection.value, probeQuestion(spec, AGENT)));
  const backend = (fleet.environment["PULUMI_BACKEND_URL" as never] as string).replace("file://", "");
  const state = readFileSync(join(backend, `.pulumi/stacks/vfio-fleet/${name}.json`));
  mkdirSync(join(folder, ".pulumi/stacks/vfio-fleet"), { recursive: true });
  const stacks = Array.from({ length: count }, (_, index) => `h${index}`);
  for (const stack of stacks) writeFileSync(join(folder, `.pulumi/stacks/vfio-fleet/${stack}.json`), state);

  const program = programDigest();
  const started = performance.now();
  const versions = await stateReader(`file://${folder}`, {}).versions(stacks);
  const prints = new Set<string>();
  for (const stack of stacks) {
    const found = hostState(name, { name, spec, connection: connection.value, facts: JSON.parse(recorded) });
    if (found.kind !== "settled") throw new Error(JSON.stringify(found));
    prints.add(fingerprint({ stack, program, config: "", hosts: [found] }));
  }
  const seconds = (performance.now() - started) / 1000;
  if (prints.size !== count || versions.size !== count) throw new Error("two hosts look like one");
  const size = statSync(join(folder, ".pulumi/stacks/vfio-fleet/h0.json")).size;
  console.log(
    `${count} hosts: ${seconds.toFixed(1)} s, ${((seconds / count) * 1000).toFixed(2)} ms each, ` +
      `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB; states ${(size / 1024).toFixed(0)} KiB each, ` +
      `${((size * count) / 2 ** 20).toFixed(0)} MiB; an answer ${(recorded.length / 1024).toFixed(0)} KiB`,
  );
} finally {
  rmSync(folder, { recursive: true });
  await fleet.stop();
}
