import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "../../components/ssh/quote.ts";
import { bootId, waitForReboot } from "../../lab/machine/boot.ts";
import { findHost, powerCut, startHost } from "../../lab/host.ts";
import type { HostName } from "../../lab/hosts.ts";
import { keysDir } from "../../lab/paths.ts";
import { sshOutput, sshRun } from "../../lab/access/ssh.ts";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { pulumi, startPulumi, type PulumiRun } from "../support/pulumi.ts";
import { faultOf, type FaultName } from "./faults.ts";
import { FIRST, isFirst, stepName, type Choice, type Direction, type Strike } from "./plan.ts";
import { startProxy, type Proxy } from "./proxy.ts";

/** A strike and its unexpected effects; none if it was survived. */
export interface Outcome extends Strike {
  readonly host: string;
  readonly wrong: string[];
}

/** A lab host with its stack. */
export interface Range {
  /** The stack, reached through the proxy that cuts connections. */
  readonly stack: LabStack;
  /** Resets the host to its state before the first up, for a new round. */
  fresh(): Promise<void>;
  /**
   * Runs `up` or `destroy` from the host's current state. Each run is struck at the first step that no earlier run
   * has reached. The next run continues from there, until one finishes. See docs/reliability.md.
   */
  course(direction: Direction, choice: Choice): Promise<readonly Outcome[]>;
  remove(): Promise<void>;
}

const LOCK = "/var/lib/vfio-fleet/lease";
/** A guest outside the stack: defined, with a disk. */
const BYSTANDER = `<domain type='qemu'><name>bystander</name><memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os>
<devices><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/var/lib/libvirt/images/bystander.img'/><target dev='vda' bus='virtio'/></disk></devices></domain>`;
/** The guest's files, because a daemon that a fault has stopped cannot answer. */
const BYSTANDER_STATE =
  "sha256sum /etc/libvirt/qemu/bystander.xml /var/lib/libvirt/images/bystander.img 2>&1";
/** Whole folders, because a half-written file may have no receipt yet. */
const FOLDERS = "/etc /usr/local/lib/vfio-fleet /usr/share/qemu/vfio-fleet";
const DIGESTS = `find ${FOLDERS} -type f -exec sha256sum {} + 2>/dev/null | sed 's/ \\+/ /'; true`;
const MANAGED = "ls /var/lib/vfio-fleet/receipts | grep % | tr % /; echo /usr/local/lib/vfio-fleet/host";
const LEFT_ASIDE = "find /boot /etc /usr/local /usr/share/qemu -name '*.vfio-fleet-new'";
/** Steps after which the host is booted again from cold after any fault. */
const BOOTING = /^(boot|reboot|prove|leave)\b/;
const NO_RUN: PulumiRun = { pid: 0, done: new Promise<never>(() => {}), said: async () => {} };
/** No run takes this long, even under two emulations. */
const RUN_LIMIT_MS = 1_800_000;

/** The next step on the host that is not in this list; undefined if the run ends first. */
const nextStep = async (
  host: string,
  run: PulumiRun,
  met: ReadonlySet<string>,
): Promise<string | undefined> => {
  const over = new AbortController();
  void run.done.finally(() => over.abort());
  const known = quote(`|${[...met].join("|")}|`);
  // bash builtins only: starting processes would keep the emulated host busy.
  const loop = `set -f; exec 3<> <(:); for ((n = 0; n < 100; n++)); do
s=; while IFS= read -r l; do case $l in step=*) s=\${l#*=} ;; esac; done 2>/dev/null <${LOCK}
set -- $s; w="$1\${2:+ $2}"; case \${w:+${known}} in '' | *"|$w|"*) read -rt 0.05 -u 3 ;; *) printf '%s\\n' "$w"; exit ;; esac; done`;
  while (!over.signal.aborted) {
    // The host may be rebooting.
    const answer = await sshRun(host, loop, { connectTimeoutMs: 5000 }).catch(() => undefined);
    const step = stepName(answer?.stdout ?? "");
    if (step !== "" && !met.has(step)) return step;
  }
  return undefined;
};

/** The step in a lock that an earlier run has left. */
const stepLeft = async (host: string): Promise<string> =>
  stepName((await sshRun(host, `sed -n 's/^step=//p' ${LOCK} 2>/dev/null`)).stdout);

/**
 * Whether the reboot at the end of `destroy` is still to come. The running kernel still hands cards over, the reboot
 * is due or running, or sshd accepts no login.
 */
const rebootDue = async (host: string): Promise<boolean> => {
  const due =
    "grep -qw iommu=pt /proc/cmdline || systemctl -q is-active 'vfio-fleet-reboot-*' ||" +
    ' [ "$(systemctl is-system-running)" = stopping ]';
  return [0, 255].includes((await sshRun(host, due)).code);
};

/** Kills a run after this time unless it ends by itself; programs that the engine started may outlive it. */
const endAfter = (run: PulumiRun, limitMs: number): NodeJS.Timeout => {
  const kill = (): void => {
    try {
      process.kill(-run.pid, "SIGKILL");
    } catch {
      // The process group has ended.
    }
  };
  const timer = setTimeout(kill, limitMs);
  void run.done.finally(() => {
    clearTimeout(timer);
    kill();
  });
  return timer;
};

type Digests = ReadonlyMap<string, string>;

/** Prepares one host of a description. */
export const prepareRange = async (
  description: HostName,
  stackFile: string,
  log: (line: string) => void = console.log,
): Promise<Range> => {
  const name = `test-faults-${stackFile}`;
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-faults-"));
  const stack: LabStack = await startLabStack(description, stackFile, name);
  const proxy: Proxy = await startProxy(() => findHost(name).sshPort);
  const hostKey = await stack.read("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
  const connection = {
    host: "127.0.0.1",
    port: proxy.port,
    hostKey,
    privateKeyFile: join(keysDir(), "id_ed25519"),
  };
  const describe: LabStack["describe"] = (change) =>
    stack.describe((host) => ({ ...change(host), connection }));
  describe((host) => host);
  const where = ["--stack", name];
  const begin = (direction: Direction): PulumiRun =>
    startPulumi([direction, "--yes", "--skip-preview", ...where]);
  const boot = async (): Promise<void> => {
    await startHost(description, { as: name, lifetime: "process" });
  };
  const digests = async (): Promise<Digests> =>
    new Map(
      (await stack.read(DIGESTS))
        .split("\n")
        .map((line) => [line.slice(line.indexOf(" ") + 1), line.split(" ")[0] ?? ""]),
    );
  const emptyState = join(folder, "empty.json");
  const exported = await pulumi("stack", "export", "--file", emptyState, ...where);
  if (exported.code !== 0) throw new Error(exported.output);

  let touched = false;
  let bystander = "";
  /** Digests before the up, and after it. */
  let before: Digests = new Map();
  let after: Digests | undefined;
  let managed: readonly string[] = [];

  const fresh = async (): Promise<void> => {
    await pulumi("cancel", "--yes", name);
    const emptied = await pulumi("stack", "import", "--file", emptyState, ...where);
    if (emptied.code !== 0) throw new Error(emptied.output);
    // The first host was started with the stack.
    if (touched) await startHost(description, { as: name, fresh: true, lifetime: "process" });
    touched = true;
    await stack.read("virsh -q list --all; truncate -s 1M /var/lib/libvirt/images/bystander.img");
    await sshOutput(name, "virsh -q define /dev/stdin", { input: BYSTANDER });
    bystander = await stack.read(BYSTANDER_STATE);
    before = await digests();
    after = undefined;
  };

  /** Checks what has to be true whenever a run was struck. */
  const look = async (): Promise<{ readonly wrong: string[]; readonly files: Digests }> => {
    const wrong: string[] = [];
    const files = await digests();
    const guest = (await sshRun(name, BYSTANDER_STATE)).stdout.trim();
    if (guest !== bystander) wrong.push(`a guest that is not the stack's: ${guest}, before: ${bystander}`);
    const file = join(folder, "now.json");
    const read = await pulumi("stack", "export", "--file", file, ...where);
    try {
      JSON.parse(readFileSync(file, "utf8"));
    } catch {
      wrong.push(`the state cannot be read: ${read.output}`);
    }
    return { wrong, files };
  };

  /** Checks what has to be true after a finished run. */
  const lookAtEnd = async (direction: Direction): Promise<string[]> => {
    const wrong: string[] = [];
    const known = await sshRun(name, "virsh -q domuuid bystander");
    if (known.code !== 0) wrong.push(`libvirt has lost a guest that is not the stack's: ${known.stderr}`);
    const aside = await stack.read(LEFT_ASIDE);
    if (aside !== "") wrong.push(`left aside, possibly half written: ${aside}`);
    if (direction === "up") {
      managed = (await stack.read(MANAGED)).split("\n");
      after = await digests();
      const preview = await stack.preview("--expect-no-changes");
      if (preview.code !== 0) wrong.push(`the preview is not clean:\n${preview.output.slice(-3000)}`);
      return wrong;
    }
    const left = await digests();
    for (const path of managed)
      if (left.get(path) !== before.get(path)) wrong.push(`${path} is not as it was before the up`);
    return wrong;
  };

  const course = async (direction: Direction, choice: Choice): Promise<readonly Outcome[]> => {
    const outcomes: (Outcome & { readonly files: Digests })[] = [];
    const met = new Set<string>();
    let first: FaultName | undefined;
    let [ended, through] = [false, false];
    const blame = (text: string): void => {
      const [latest] = outcomes.slice(-1);
      if (!latest) throw new Error(`${name}: ${direction} before any fault: ${text}`);
      latest.wrong.push(text);
    };
    while (!ended) {
      const strikes: { step: string; fault: FaultName }[] = [];
      let heal = async (): Promise<void> => {};
      const struck = (run: PulumiRun) => ({ host: name, run, proxy, boot });
      if (direction === "up" && ![...met].some(isFirst)) first ??= choice(direction, FIRST);
      const laid = first !== undefined && faultOf(first).early ? faultOf(first) : undefined;
      await laid?.strike(struck(NO_RUN));
      const left = await stepLeft(name);
      const booted = await bootId(name);
      const run = begin(direction);
      endAfter(run, RUN_LIMIT_MS);
      let step: string | undefined;
      while ((step = await nextStep(name, run, new Set([...met, left]))) !== undefined) {
        await heal();
        heal = async () => {};
        met.add(step);
        const chosen = direction === "up" && isFirst(step) ? first : choice(direction, step);
        if (chosen === undefined) continue;
        const fault = faultOf(chosen);
        log(`  ${description}, ${direction}, ${step}: ${chosen}`);
        if (!fault.early) await fault.strike(struck(run));
        strikes.push({ step, fault: chosen });
        heal = async () => fault.heal?.(struck(run));
        if (fault.early) {
          await heal();
          heal = async () => {};
        }
        if (fault.passes) continue;
        if (fault.patienceMs !== undefined) endAfter(run, fault.patienceMs);
        break;
      }
      const { code, output } = await run.done;
      await heal();
      await laid?.heal?.(struck(NO_RUN));
      await pulumi("cancel", "--yes", name);
      await boot();
      if (strikes.length === 0) {
        ended = true;
        through = code === 0;
        if (through && direction === "destroy" && (await rebootDue(name))) await waitForReboot(name, booted);
        if (!through) blame(`${direction} did not come through after it:\n${output.slice(-3000)}`);
        break;
      }
      const [latest] = strikes.slice(-1);
      if (latest && BOOTING.test(latest.step) && latest.fault !== "power cut") {
        await powerCut(name);
        await boot();
      }
      const { wrong, files } = await look();
      for (const strike of strikes)
        outcomes.push({ direction, host: description, ...strike, wrong: [...wrong], files });
    }
    const atEnd = through
      ? await lookAtEnd(direction)
      : ["not proved: the run that it struck did not finish later"];
    for (const { wrong, files } of outcomes) {
      wrong.push(...atEnd);
      for (const path of managed)
        if (![before.get(path), after?.get(path)].includes(files.get(path)))
          wrong.push(`${path} was neither as before nor as wanted`);
    }
    return outcomes;
  };

  return {
    stack: { ...stack, describe },
    fresh,
    course,
    remove: async () => {
      await proxy.close();
      await stack.remove();
      rmSync(folder, { recursive: true });
    },
  };
};

/** One line a strike, for the table in docs/reliability.md. */
export const tableOf = (rows: readonly Outcome[]): string =>
  [
    "| host | run | step | fault | what it proves | survived |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows.map(
      ({ host, direction, step, fault, wrong }) =>
        `| ${host} | ${direction} | \`${step}\` | ${fault} | ${faultOf(fault).proves} | ${wrong.length === 0 ? "yes" : "no"} |`,
    ),
    "",
  ].join("\n");
