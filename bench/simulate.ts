/**
 * `npm run bench:simulate [-- 10000]`: what `vfio-fleet status` over this number of clean hosts costs the controller
 * and the database, without a network. Every stack file is read, and every state is compared in a real PostgreSQL.
 * For each host, one recorded answer of the probe is parsed, planned and fingerprinted. The table is drawn. Only SSH
 * is left out.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import PQueue from "p-queue";
import { Client } from "pg";
import { stringify } from "yaml";
import { hostSchema } from "../components/host/host-spec.ts";
import { probeQuestion } from "../components/host/host-question.ts";
import { askHost, type AskedHost } from "../components/probe/ask.ts";
import { resolveConnection, type Connection } from "../components/ssh/connection.ts";
import { SHELL } from "../components/probe/shell.ts";
import { openHost, type RunResult } from "../components/ssh/session.ts";
import { stateReader } from "../fleet/stack/clean/checkpoint.ts";
import type { Ask } from "../components/host/look.ts";
import { programDigest } from "../fleet/stack/clean/program.ts";
import { readStackFile } from "../fleet/stack/stack-file.ts";
import { stackTargets } from "../fleet/targets/target.ts";
import { QUEUE, startBoss } from "../fleet/queue/boss.ts";
import { lookAt, remember, runStack, type ReadStack, type StackRun } from "../fleet/rollout/stack-run.ts";
import { exitStatus, followRun } from "../fleet/rollout/state.ts";
import { renderTable } from "../fleet/rollout/table.ts";
import { startBedFleet } from "../test/support/bed/stacks.ts";
import { startPostgres } from "../test/support/postgres.ts";

const count = Number(process.argv[2] ?? 10_000);
if (!Number.isInteger(count) || count < 1) throw new Error("give a number of hosts, such as 10000");

/** Probes a host once; its answer then stands for every host's. */
const record = async (connection: Connection): Promise<{ readonly ask: Ask; readonly bytes: number }> => {
  let answer: RunResult | undefined;
  let asked = "";
  const nonceIn = (script: string): string => /N=([0-9a-f]+)/.exec(script)?.[1] ?? "";
  const spec = hostSchema.parse({ connection: { host: "x" }, cards: CARDS });
  const host = await openHost(connection);
  await askHost(
    connection,
    probeQuestion(spec),
    Promise.resolve<AskedHost>({
      ask: async (script) => {
        asked = nonceIn(script);
        return (answer = await host.run(SHELL, script));
      },
      end: host.end,
    }),
  );
  const text = Buffer.from(answer?.stdout ?? []).toString("latin1");
  const played = (script: string): RunResult => ({
    code: 0,
    stdout: Buffer.from(text.replaceAll(asked, nonceIn(script)), "latin1"),
    stderr: "",
  });
  return {
    bytes: text.length,
    ask: (to, question) =>
      askHost(
        to,
        question,
        Promise.resolve({ ask: (script) => Promise.resolve(played(script)), end: () => {} }),
      ),
  };
};

const CARDS = { gpu: { address: "0000:01:00.0", ids: ["10de:1c81", "10de:0fb9"] } };
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

const postgres = await startPostgres();
const fleet = await startBedFleet(1, "test-simulate", postgres.url);
const database = new Client({ connectionString: postgres.url });
const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-simulate-"));
try {
  const [first = ""] = fleet.names;
  const up = await fleet.fleet("up", first);
  if (up.code !== 0) throw new Error(up.output);
  const connection = resolveConnection("", fleet.host(0).connection);
  if (!connection.ok) throw new Error(JSON.stringify(connection.problems));
  const { ask, bytes } = await record(connection.value);

  // Each host's state in the database is a copy of the real one. The history of its one update is counted, not
  // copied.
  await database.connect();
  const copied = await database.query(
    "insert into pulumi_state (key, data) select replace(key, $1, 'h' || i), data from pulumi_state, generate_series(0, $2::int - 1) i where key like '%/stacks/%/' || $1 || '.json'",
    [first, count],
  );
  if (copied.rowCount !== count) throw new Error(`${copied.rowCount} states were made instead of ${count}`);
  const history = await database.query<{ bytes: string }>(
    "select sum(pg_column_size(data)) as bytes from pulumi_state where key like '%' || $1 || '%' and key not like '%/' || $1 || '.json'",
    [first],
  );
  const names = Array.from({ length: count }, (_, index) => `h${index}`);
  const text = stringify({
    config: { "vfio-fleet:hosts": { [first]: { connection: fleet.host(0).connection, cards: CARDS } } },
  });
  for (const name of names) writeFileSync(join(folder, `Pulumi.${name}.yaml`), text);
  const environment = { PULUMI_BACKEND_URL: postgres.url };
  const load = async (name: string): Promise<ReadStack> => {
    const file = await readStackFile(name, folder);
    return { ok: true, name, file, environment, targets: await stackTargets(name, file, environment) };
  };
  const reader = stateReader(postgres.url, environment);
  const following = followRun();
  const common: Omit<StackRun, "version"> = {
    operation: "status",
    engine: false,
    program: programDigest(),
    reader,
    folders: { logs: join(folder, "logs"), records: join(folder, "clean") },
    interrupt: new AbortController().signal,
    kill: new AbortController().signal,
    tell: (event) => following.take(event, performance.now()),
    ask,
    withEngine: () => Promise.reject(new Error("a clean host needed an engine")),
  };
  // The record that the first `up` of each stack would have left.
  const checkpoint = await reader.checkpoint(names[0] ?? "");
  const remembering = new PQueue({ concurrency: 16 });
  await remembering.addAll(
    names.map((name) => async () => {
      const stack = await load(name);
      const run = {
        ...common,
        version: undefined,
        reader: { ...reader, checkpoint: () => Promise.resolve(checkpoint) },
      };
      await remember(stack, run, await lookAt(stack, run));
    }),
  );

  const started = performance.now();
  const cpu = process.cpuUsage();
  const stacks = await Promise.all(names.map(load));
  const versions = await reader.versions(names);
  const hosts = stacks.flatMap(({ name, targets }) =>
    targets.map((target) => ({ stack: name, host: target.name })),
  );
  following.take({ type: "start", operation: "status", hosts, waves: [names] }, performance.now());
  const draw = (): string =>
    renderTable(following.state(), performance.now(), {
      paint: (_, shown) => stripVTControlCharacters(shown),
      columns: 100,
      lines: 40,
    });
  const drawing = setInterval(draw, 200);
  const queue = new PQueue({ concurrency: 64 });
  const results = await queue.addAll(
    stacks.map((stack) => () => runStack(stack, { ...common, version: versions.get(stack.name) })),
  );
  clearInterval(drawing);
  const table = draw();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  if (exitStatus(results.flatMap((result) => Object.values(result.hosts))) !== 0)
    throw new Error(`not every host was clean:\n${table}`);
  const memory = process.resourceUsage().maxRSS * 1024;

  const boss = await startBoss(postgres.url, () => {});
  const program = common.program;
  await boss.insert(
    QUEUE,
    names.map((stack) => ({
      data: { stack, engine: false, program, config: program, by: "somebody@controller (pid 1)" },
      singletonKey: stack,
    })),
  );
  await boss.stop({ graceful: false });
  const sizes = await database.query<{ states: string; jobs: string }>(
    "select pg_total_relation_size('pulumi_state') as states, (select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'vfio_fleet' and c.relkind = 'r') as jobs",
  );
  const { states = "0", jobs = "0" } = sizes.rows[0] ?? {};
  console.log(
    `${count} hosts: ${seconds.toFixed(1)} s, CPU ${((user + system) / 1e6).toFixed(1)} s, ${((seconds / count) * 1000).toFixed(2)} ms each; controller ${mib(memory)}; ` +
      `an answer ${(bytes / 1024).toFixed(0)} KiB; database: states ${mib(Number(states))}, ` +
      `history of an up each ${mib(Number(history.rows[0]?.bytes ?? 0) * count)}, a job each ${mib(Number(jobs))}`,
  );
} finally {
  await database.end().catch(() => {});
  rmSync(folder, { recursive: true });
  await fleet.stop();
  await postgres.stop();
}
