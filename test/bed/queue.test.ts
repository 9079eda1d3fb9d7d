import { execa } from "execa";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startBedFleet, type BedFleet } from "../support/bed/stacks.ts";
import { freePort } from "../support/sshd.ts";
import { startPostgres, type Postgres } from "../support/postgres.ts";
import type { FleetEvent } from "../../fleet/rollout/state.ts";

/** A real PostgreSQL with states and jobs, workers as processes, hosts on loopback; no QEMU. */
let postgres: Postgres;
let fleet: BedFleet;
beforeAll(async () => {
  postgres = await startPostgres();
  fleet = await startBedFleet(3, "test-queue", postgres.url);
});
afterAll(async () => {
  await fleet?.stop();
  await postgres?.stop();
});

interface Worker {
  readonly pid: number;
  output(): string;
  kill(signal: NodeJS.Signals): Promise<void>;
}
const workers: Worker[] = [];
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.kill("SIGKILL");
});

const startWorker = async (): Promise<Worker> => {
  const child = execa("node", ["fleet/main.ts", "worker"], {
    env: fleet.environment,
    extendEnv: false,
    reject: false,
    all: true,
  });
  let output = "";
  child.all.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const worker: Worker = {
    pid: child.pid ?? 0,
    output: () => output,
    kill: async (signal) => {
      child.kill(signal);
      await child;
    },
  };
  workers.push(worker);
  await expect.poll(() => output, { timeout: 30_000 }).toContain("waits for jobs");
  return worker;
};

const name = (index: number): string => fleet.names[index] ?? "";
const reboots = (index: number): string => fleet.host(index).run("cat /var/log/reboots 2>/dev/null | wc -l");
const driver = (index: number): string =>
  fleet.host(index).run("readlink /sys/bus/pci/devices/0000:01:00.0/driver");
const atStep =
  (stack: string, step: string) =>
  (event: FleetEvent): boolean =>
    event.type === "step" && event.stack === stack && event.step === step;

test("of two workers one is killed: the other finishes its host, which does not reboot twice", async () => {
  const [first, second] = [await startWorker(), await startWorker()];
  for (const index of [0, 1]) fleet.host(index).run("touch /root/hold");
  const up = fleet.start("up", name(0), name(1), "--queue");
  await Promise.all([up.told(atStep(name(0), "boot")), up.told(atStep(name(1), "boot"))]);
  const doing = (worker: Worker): string[] =>
    [name(0), name(1)].filter((stack) => worker.output().includes(`${stack}: taken`));
  expect([...doing(first), ...doing(second)].toSorted()).toEqual([name(0), name(1)]);
  const victim = doing(first).length > 0 ? first : second;
  const other = victim === first ? second : first;
  await victim.kill("SIGKILL");
  for (const index of [0, 1]) fleet.host(index).run("rm /root/hold");

  const { code, hosts, output } = await up.done;
  expect(code, output).toBe(0);
  for (const stack of doing(victim)) expect(other.output()).toContain(`${stack}: taken over`);
  expect(Object.keys(hosts).toSorted()).toEqual([name(0), name(1)]);
  for (const index of [0, 1]) {
    expect(driver(index)).toMatch(/vfio-pci$/);
    expect(reboots(index)).toBe("1");
  }
  // Pulumi agrees, and nobody holds the states.
  const preview = await fleet.pulumi("preview", "--expect-no-changes", "--stack", name(0));
  expect(preview.code, preview.output).toBe(0);
});

test("states in PostgreSQL show without an engine that nothing changed", async () => {
  expect((await fleet.fleet("status", name(0))).hosts).toEqual({ [name(0)]: "clean" });
  const again = await fleet.fleet("status", name(0));
  expect(again.events).toContainEqual(expect.objectContaining({ result: "clean", by: "probe" }));
});

test("worker and follower wait while the database is away, and then continue", async () => {
  const worker = await startWorker();
  fleet.host(2).run("touch /root/hold");
  const up = fleet.start("up", name(2), "--queue");
  await up.told(atStep(name(2), "boot"));
  await postgres.crash();
  await expect.poll(() => worker.output(), { timeout: 60_000 }).toContain("the database does not answer (");
  await up.told(
    (event) => event.type === "note" && /^the database does not answer .*waiting for it/.test(event.text),
  );
  fleet.host(2).run("rm /root/hold");
  await postgres.start();
  const { code, output } = await up.done;
  expect(code, `${output}\n${worker.output()}`).toBe(0);
  expect(driver(2)).toMatch(/vfio-pci$/);
  expect(reboots(2)).toBe("1");
});

test("a worker with another checkout refuses the job", async () => {
  const worker = await startWorker();
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  // The job is changed after it was filed, as another operator's edit would.
  await client.query(
    "create function other_file() returns trigger language plpgsql as $$ begin new.data = jsonb_set(new.data, '{config}', '\"other\"'); return new; end $$",
  );
  await client.query(
    "create trigger other_file before insert on vfio_fleet.job for each row execute function other_file()",
  );
  const { code, hosts } = await fleet.fleet("up", name(2), "--queue");
  await client.query("drop function other_file cascade");
  await client.end();
  expect(code).toBe(1);
  expect(hosts[name(2)]).toMatch(
    /^failed worker \S+ \(pid \d+\): this worker has another version of the stack file$/,
  );
  await worker.kill("SIGTERM");
  expect(worker.output()).toContain("stopping");
});

test("an unreachable database is named with its error, but without its login", async () => {
  const url = `postgres://fleet:password@127.0.0.1:${await freePort()}/fleet`;
  const ways = [["worker"], ["up", name(0), "--queue"], ["status", name(0)]];
  for (const args of ways) {
    const { exitCode, all } = await execa("node", ["fleet/main.ts", ...args], {
      env: { ...fleet.environment, PULUMI_BACKEND_URL: url },
      extendEnv: false,
      reject: false,
      all: true,
    });
    expect(exitCode, all).toBe(1);
    expect(all).toMatch(
      /^vfio-fleet: the database postgres:\/\/127\.0\.0\.1:\d+\/fleet cannot be asked: .*ECONNREFUSED/m,
    );
    expect(all).not.toMatch(/password|\n +at /);
  }
});

test("without PostgreSQL there is no queue, and the message names the remedy", async () => {
  const { exitCode, stderr } = await execa("node", ["fleet/main.ts", "worker"], {
    env: { ...fleet.environment, PULUMI_BACKEND_URL: "file:///nowhere" },
    extendEnv: false,
    reject: false,
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("a queue needs PostgreSQL");
});
