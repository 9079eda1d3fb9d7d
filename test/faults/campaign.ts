import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findHost, powerCut, startHost, stopHost } from "../../lab/host.ts";
import type { HostName } from "../../lab/hosts.ts";
import { keysDir } from "../../lab/paths.ts";
import { labSnapshot, removeSnapshot } from "../../lab/snapshot.ts";
import { sshOutput, sshRun } from "../../lab/ssh.ts";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { pulumi, startPulumi, type PulumiRun } from "../support/pulumi.ts";
import { faults, type Fault } from "./faults.ts";
import { stepsOf, type Strike } from "./plan.ts";
import { startProxy, type Proxy } from "./proxy.ts";

/** A lab host with a snapshot before an up and one after it, and what it has to show whatever happens between them. */
export interface Range {
  readonly host: string;
  readonly steps: Readonly<Record<Strike["direction"], readonly string[]>>;
  /** strikes once; what did not survive, nothing when all did */
  strike(strike: Strike): Promise<string[]>;
  remove(): Promise<void>;
}

const LEASE = "/var/lib/vfio-fleet/lease";
/** A guest that is none of the stack's: defined, with a disk. */
const BYSTANDER = `<domain type='qemu'><name>bystander</name><memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os>
<devices><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/var/lib/libvirt/images/bystander.img'/><target dev='vda' bus='virtio'/></disk></devices></domain>`;
const BYSTANDER_STATE =
  "virsh -q dumpxml --inactive bystander | sha256sum; sha256sum </var/lib/libvirt/images/bystander.img";
/** Steps after which the host is booted once more from cold, whatever the fault was. */
const BOOTING = /^(boot|reboot|prove|leave)\b/;

/** Aborted once a run has ended. */
const endSignal = (run: PulumiRun): AbortSignal => {
  const over = new AbortController();
  void run.done.finally(() => over.abort());
  return over.signal;
};

/** Waits on the host until a step that starts with these words is at work; false when the run ends first. */
const reaches = async (host: string, step: string, run: PulumiRun): Promise<boolean> => {
  const over = endSignal(run);
  const loop = `n=0; while [ $n -lt 100 ]; do n=$((n+1)); grep -qsE '^step=${step.replaceAll(/[^\w /-]/g, ".")}( |$)' ${LEASE} && echo there && exit; sleep 0.05; done`;
  while (!over.aborted) {
    // the host may be rebooting
    const answer = await sshRun(host, loop, { connectTimeoutMs: 5000 }).catch(() => undefined);
    if (answer?.stdout.includes("there")) return true;
  }
  return false;
};

/** Every step that a run announces in the host's lease, in their order. */
const recorded = async (host: string, run: PulumiRun): Promise<string[]> => {
  const seen: string[] = [];
  const over = endSignal(run);
  const loop = `n=0; while [ $n -lt 60 ]; do n=$((n+1)); sed -n 's/^step=//p' ${LEASE} 2>/dev/null; sleep 0.05; done`;
  while (!over.aborted) {
    const answer = await sshRun(host, loop, { connectTimeoutMs: 5000 }).catch(() => undefined);
    seen.push(...(answer?.stdout.split("\n") ?? []));
  }
  return stepsOf(seen);
};

const endOf = async (run: PulumiRun, limitMs: number): Promise<void> => {
  const over = await Promise.race([run.done.then(() => true), delay(limitMs, false)]);
  if (!over) process.kill(-run.pid, "SIGKILL");
  await run.done;
  // what the engine started may outlive it
  try {
    process.kill(-run.pid, "SIGKILL");
  } catch {
    // nobody is left
  }
};

/** Prepares one host of a description: takes minutes, once for all strikes. */
export const prepareRange = async (description: HostName, stackFile: string): Promise<Range> => {
  const name = `faults-${stackFile}`;
  const tags = { up: `${name}-fresh`, destroy: `${name}-done` } as const;
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-faults-"));
  const states = { up: join(folder, "up.json"), destroy: join(folder, "destroy.json") } as const;
  for (const tag of Object.values(tags)) await removeSnapshot(tag);
  const stack: LabStack = await startLabStack(description, stackFile, name);
  const proxy: Proxy = await startProxy(() => findHost(name).sshPort);
  const hostKey = await stack.read("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
  stack.describe((host) => ({
    ...host,
    connection: {
      host: "127.0.0.1",
      port: proxy.port,
      hostKey,
      privateKeyFile: join(keysDir(), "id_ed25519"),
    },
  }));
  const where = ["--stack", name];
  const start = { up: ["up"], destroy: ["destroy"] } as const;
  const begin = (direction: Strike["direction"]): PulumiRun =>
    startPulumi([...start[direction], "--yes", "--skip-preview", ...where]);
  const must = async (run: PulumiRun, what: string): Promise<void> => {
    const { code, output } = await run.done;
    if (code !== 0) throw new Error(`${what} failed before any fault:\n${output}`);
  };
  const keep = async (direction: Strike["direction"]): Promise<void> => {
    const exported = await pulumi("stack", "export", "--file", states[direction], ...where);
    if (exported.code !== 0) throw new Error(exported.output);
    await stopHost(name, { keepDisk: true });
    await labSnapshot(name, tags[direction]);
    await startHost(description, { as: name });
  };
  const digests = async (paths: string): Promise<Map<string, string>> =>
    new Map(
      (
        await sshOutput(
          name,
          `for f in ${paths}; do [ -e "$f" ] && sha256sum "$f" || echo "absent $f"; done | sed 's/ \\+/ /'`,
        )
      )
        .split("\n")
        .map((line) => [line.slice(line.indexOf(" ") + 1), line.split(" ")[0] ?? ""]),
    );

  await stack.read("virsh -q list --all; truncate -s 1M /var/lib/libvirt/images/bystander.img");
  await sshOutput(name, "virsh -q define /dev/stdin", { input: BYSTANDER });
  const bystander = await stack.read(BYSTANDER_STATE);
  await keep("up");
  const up = begin("up");
  const upSteps = await recorded(name, up);
  await must(up, "up");
  const managed = await stack.read("ls /var/lib/vfio-fleet/receipts | grep % | tr % / | paste -sd' '; true");
  const after = await digests(managed);
  await keep("destroy");
  const destroy = begin("destroy");
  const destroySteps = await recorded(name, destroy);
  await must(destroy, "destroy");
  await startHost(description, { as: name, from: tags.up });
  const before = await digests(managed);

  const strike = async ({ direction, step, fault: faultName }: Strike): Promise<string[]> => {
    const wrong: string[] = [];
    const fault: Fault = faults[faultName];
    await startHost(description, { as: name, from: tags[direction] });
    await pulumi("stack", "import", "--file", states[direction], ...where);
    const idle = { pid: 0, done: Promise.resolve({ code: 0, output: "" }), said: async () => {} };
    if (fault.early) await fault.strike({ host: name, run: idle, proxy });
    const run = begin(direction);
    const struck = { host: name, run, proxy };
    if (!fault.early) {
      if (await reaches(name, step, run)) await fault.strike(struck);
      else wrong.push(`the step was not reached:\n${(await run.done).output.slice(-1500)}`);
    }
    // a step may take minutes on a host that is emulated; a run that hears nothing would wait for ever
    await endOf(run, faultName === "connection silent" ? 90_000 : 1_200_000);
    await fault.heal?.(struck);
    await pulumi("cancel", "--yes", name);

    await startHost(description, { as: name });
    if (BOOTING.test(step) && faultName !== "power cut") {
      await powerCut(name);
      await startHost(description, { as: name });
    }
    const now = await digests(managed);
    for (const [path, digest] of now)
      if (digest !== before.get(path) && digest !== after.get(path))
        wrong.push(`${path} is neither as before nor as wanted`);
    if ((await sshRun(name, BYSTANDER_STATE)).stdout.trim() !== bystander.trim())
      wrong.push("a guest that is not the stack's was changed or lost");
    const exported = join(folder, "now.json");
    const read = await pulumi("stack", "export", "--file", exported, ...where);
    try {
      JSON.parse(readFileSync(exported, "utf8"));
    } catch {
      wrong.push(`the state cannot be read: ${read.output}`);
    }
    const again = await begin(direction).done;
    if (again.code !== 0) wrong.push(`${direction} did not finish:\n${again.output.slice(-3000)}`);
    else if (direction === "up") {
      const preview = await stack.preview("--expect-no-changes");
      if (preview.code !== 0) wrong.push(`the preview is not clean:\n${preview.output.slice(-3000)}`);
    } else {
      const left = await digests(managed);
      for (const [path, digest] of left)
        if (digest !== before.get(path)) wrong.push(`${path} is not as it was before the up`);
    }
    return wrong;
  };

  return {
    host: name,
    steps: { up: upSteps, destroy: destroySteps },
    strike,
    remove: async () => {
      await proxy.close();
      await stack.remove();
      for (const tag of Object.values(tags)) await removeSnapshot(tag);
      rmSync(folder, { recursive: true });
    },
  };
};

/** One line a strike, for the table in docs/reliability.md. */
export const writeTable = (
  file: string,
  rows: readonly (Strike & { readonly host: string; readonly wrong: readonly string[] })[],
): void =>
  writeFileSync(
    file,
    [
      "| host | run | step | fault | what it proves | survived |",
      "| --- | --- | --- | --- | --- | --- |",
      ...rows.map(
        ({ host, direction, step, fault, wrong }) =>
          `| ${host} | ${direction} | \`${step}\` | ${fault} | ${faults[fault].proves} | ${wrong.length === 0 ? "yes" : "no"} |`,
      ),
      "",
    ].join("\n"),
  );
