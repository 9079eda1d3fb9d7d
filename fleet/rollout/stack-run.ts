import { hostname } from "node:os";
import { join } from "node:path";
import type { Target } from "../targets/target.ts";
import type { StateReader } from "../stack/clean/checkpoint.ts";
import { fingerprint, stateAgrees } from "../stack/clean/fingerprint.ts";
import type { Ask } from "../../components/host/look.ts";
import { allSettled, lookAtTarget, objection, type TargetLook } from "../targets/look.ts";
import { readRecord, writeRecord } from "../stack/clean/records.ts";
import { isThere } from "../../components/agent/runner.ts";
import { changeCount, NO_CHANGES, type HostChanges } from "../stack/engine/events.ts";
import type { EngineResult, Operation } from "../stack/engine/engine.ts";
import type { Ended } from "../stack/engine/process.ts";
import { counted } from "../ground/format.ts";
import { waitFor } from "../ground/wait-for.ts";
import type { FleetStack } from "./stacks.ts";
import type { FleetEvent, HostResult } from "./state.ts";

export type ReadStack = FleetStack & { readonly ok: true };

/** Input of a run over one stack, and the receiver of its events. */
export interface StackRun {
  readonly operation: "status" | Operation;
  /** Run the engine even if the probe shows a clean host. */
  readonly engine: boolean;
  readonly program: string;
  readonly reader: StateReader;
  /** The state's version before the run; undefined for a stack without a state. */
  readonly version: string | undefined;
  readonly folders: { readonly logs: string; readonly records: string };
  readonly interrupt: AbortSignal;
  readonly kill: AbortSignal;
  tell(event: FleetEvent): void;
  /** The probe; over SSH by default. */
  readonly ask?: Ask;
  /** Wait for a state that another run holds. If it is held too long, the holder was given up. */
  readonly waitsForLock?: boolean;
  /** Waits for a free place among the engines. */
  withEngine<T>(work: () => Promise<T>): Promise<T>;
}

export interface StackResult {
  readonly hosts: Readonly<Record<string, HostResult>>;
  /** After an `up`: every host shows every effect that its stack wants. */
  readonly proved: boolean;
}

const print = (stack: ReadStack, run: StackRun, looks: readonly TargetLook[]): string | undefined => {
  const settled = allSettled(looks);
  // Configuration from Pulumi ESC is not in the stack file, so the probe cannot decide.
  if (!settled || stack.file.hasEnvironment) return undefined;
  return fingerprint({
    stack: stack.name,
    program: run.program,
    config: stack.file.text,
    hosts: settled.map(({ state }) => state),
  });
};

const finish = (
  stack: ReadStack,
  run: StackRun,
  by: "probe" | "engine",
  results: Readonly<Record<string, { result: HostResult; message: string; changes?: number }>>,
  proved = false,
): StackResult => {
  const log = by === "engine" ? { log: logOf(run, stack.name) } : {};
  for (const [host, found] of Object.entries(results))
    run.tell({ type: "host", stack: stack.name, host, by, ...found, ...log });
  return {
    hosts: Object.fromEntries(Object.entries(results).map(([host, { result }]) => [host, result])),
    proved,
  };
};

const logOf = (run: StackRun, stack: string): string => join(run.folders.logs, `${stack}.log`);

const each = <T>(stack: ReadStack, make: (host: string) => T): Record<string, T> =>
  Object.fromEntries(stack.targets.map(({ name }) => [name, make(name)]));

const describe = (changes: HostChanges): string =>
  (["create", "update", "replace", "delete"] as const)
    .flatMap((kind) => (changes[kind] > 0 ? [`${changes[kind]} to ${kind}`] : []))
    .join(", ");

/** What would change on a host: drift first, then the number of changes. */
const whatWouldChange = (look: TargetLook | undefined, changes: HostChanges): string => {
  const drift = look?.ok && look.state.kind === "open" ? look.state.drift : [];
  return [...(drift.length > 0 ? [`drift: ${drift.join(", ")}`] : []), describe(changes)]
    .filter((text) => text !== "")
    .join("; ");
};

/** `the stack is currently locked by … created by USER@HOST (pid N) at TIME` (Pulumi: backend/diy/lock.go). */
const LOCK = /created by (\S+)@(\S+) \(pid (\d+)\)(?: at (\S+))?/;

/** Whether a dead process of this machine holds the lock. */
export const isStaleLock = (message: string, here = hostname(), alive = isThere): boolean => {
  const [, , host, pid] = LOCK.exec(message) ?? [];
  return host === here && pid !== undefined && !alive(Number(pid));
};

const lockedBy = (message: string): string => {
  const [, user, host, pid, at] = LOCK.exec(message) ?? [];
  return user === undefined
    ? `another update of this stack is under way: ${message.trim()}`
    : `${user} on ${host} is updating this stack${at === undefined ? "" : ` since ${at}`} (process ${pid}): wait for it; if that process is dead, remove its lock with pulumi cancel`;
};

/** Error of a race: two Pulumis create their table in a new PostgreSQL at once, and one of them fails. */
const RACED = /failed to create table .*\(23505\)/;

/** Minutes that the agent waits for another run's lock. A state that is held longer has a dead holder. */
const LOCK_MINUTES = 20;
const LOCK_PAUSE = 2000;

/** Runs the engine on one stack. A stack without a state gets one, and a dead process's lock is removed. */
const runEngine = async (stack: ReadStack, run: StackRun, operation: Operation): Promise<EngineResult> => {
  const engine = await import("../stack/engine/engine.ts");
  const call = (): Promise<EngineResult> =>
    engine.runEngine({
      operation,
      stack: stack.name,
      hosts: stack.targets.map(({ name }) => name),
      environment: stack.environment,
      log: logOf(run, stack.name),
      interrupt: run.interrupt,
      kill: run.kill,
      onEvent: (event) => {
        if (event.kind === "step")
          run.tell({ type: "step", stack: stack.name, host: event.host, step: event.step });
      },
    });
  const once = (): Promise<EngineResult> => run.withEngine(call);
  const init = (): Promise<Ended> =>
    run.withEngine(() =>
      engine.runPulumi(["stack", "init", stack.name], stack.environment, logOf(run, stack.name)),
    );
  // Starting an engine only to learn that there is no state costs as much as a change. If there is a state, init does
  // nothing.
  if (operation === "up" && run.version === undefined) await init();
  const begun = await once();
  const first = !begun.ok && RACED.test(begun.message) ? await once() : begun;
  if (first.ok) return first;
  if (first.why === "missing" && operation === "up") {
    const made = await init();
    return made.code === 0
      ? once()
      : { ...first, why: "failed", message: `${made.stdout}${made.stderr}`.trim() };
  }
  const patience = performance.now() + (run.waitsForLock === true ? LOCK_MINUTES * 60_000 : 0);
  let attempt = (): Promise<EngineResult> => Promise.resolve(first);
  const unlocked = async (): Promise<EngineResult | undefined> => {
    const result = await attempt();
    attempt = once;
    if (result.ok || result.why !== "locked") return result;
    const isOver = performance.now() >= patience;
    if (!isStaleLock(result.message) && !(isOver && run.waitsForLock === true))
      return isOver ? result : undefined;
    await engine.runPulumi(["cancel", "--yes", stack.name], stack.environment, logOf(run, stack.name));
    return unlocked();
  };
  return (await waitFor(unlocked, { interval: LOCK_PAUSE, signal: run.interrupt })) ?? first;
};

export const lookAt = (stack: ReadStack, run: StackRun): Promise<TargetLook[]> =>
  Promise.all(
    stack.targets.map((target: Target) => {
      run.tell({ type: "step", stack: stack.name, host: target.name, step: "probing the host" });
      return lookAtTarget(stack.name, target, run.ask);
    }),
  );

/** Records what the probe showed before the engine found nothing to change. That is what a clean stack looks like. */
export const remember = async (
  stack: ReadStack,
  run: StackRun,
  looks: readonly TargetLook[],
): Promise<void> => {
  const found = print(stack, run, looks);
  const checkpoint = found === undefined ? undefined : await run.reader.checkpoint(stack.name);
  const settled = allSettled(looks);
  const agrees = checkpoint !== undefined && settled !== undefined && stateAgrees(checkpoint, settled);
  writeRecord(
    run.folders.records,
    run.reader.url,
    stack.name,
    agrees && found !== undefined ? { fingerprint: found, state: checkpoint.version } : undefined,
  );
};

const failed = (
  stack: ReadStack,
  run: StackRun,
  result: EngineResult & { readonly ok: false },
): StackResult => {
  const message =
    result.why === "locked"
      ? lockedBy(result.message)
      : result.why === "missing"
        ? `it has no state yet: run vfio-fleet up ${stack.name} to create it`
        : result.why === "interrupted"
          ? `cancelled: run it again, and it continues from what it finds\n${result.message}`
          : result.message;
  return finish(
    stack,
    run,
    "engine",
    each(stack, () => ({ result: "failed" as const, message })),
  );
};

/** `status` and `preview` of one stack, and the part of `up` before the engine. */
const judge = async (
  stack: ReadStack,
  run: StackRun,
): Promise<{ readonly looks: readonly TargetLook[]; readonly done?: StackResult }> => {
  const looks = await lookAt(stack, run);
  if (run.engine) return { looks };
  const objections = looks.map((look) => ({ name: look.name, message: objection(look) }));
  const bad = objections.flatMap(({ name, message }) => (message === undefined ? [] : [name]));
  if (bad.length > 0)
    return {
      looks,
      done: finish(
        stack,
        run,
        "probe",
        Object.fromEntries(
          objections.map(({ name, message }) => [
            name,
            { result: "failed", message: message ?? `${bad.join(", ")} of the same stack was refused` },
          ]),
        ),
      ),
    };
  const found = print(stack, run, looks);
  const record = readRecord(run.folders.records, run.reader.url, stack.name);
  const clean =
    found !== undefined &&
    record?.fingerprint === found &&
    run.version !== undefined &&
    record.state === run.version;
  return clean
    ? {
        looks,
        done: finish(
          stack,
          run,
          "probe",
          each(stack, () => ({ result: "clean", message: "" })),
          true,
        ),
      }
    : { looks };
};

const preview = async (stack: ReadStack, run: StackRun): Promise<StackResult> => {
  const { looks, done } = await judge(stack, run);
  if (done) return done;
  const missing = (by: "probe" | "engine"): StackResult =>
    finish(
      stack,
      run,
      by,
      each(stack, () => ({ result: "changes", message: "it has no state yet: up creates everything" })),
    );
  // An engine would say the same, but takes half a second of a processor.
  if (!run.engine && run.version === undefined && run.reader.tellsMissing) return missing("probe");
  const result = await runEngine(stack, run, "preview");
  if (!result.ok && result.why === "missing") return missing("engine");
  if (!result.ok) return failed(stack, run, result);
  if (result.changes === 0 && (await run.reader.versions([stack.name])).get(stack.name) === run.version)
    await remember(stack, run, looks);
  if (run.operation === "preview" && result.changes > 0)
    run.tell({ type: "note", text: result.output.trim() });
  const inHosts = Object.values(result.hosts).reduce((sum, changes) => sum + changeCount(changes), 0);
  return finish(
    stack,
    run,
    "engine",
    each(stack, (host) => {
      const changes = result.hosts[host] ?? NO_CHANGES;
      const count = changeCount(changes);
      const look = looks.find(({ name }) => name === host);
      // A change that belongs to no host, such as the stack itself, counts for every host.
      const dirty = count > 0 || (inHosts === 0 && result.changes > 0);
      return dirty
        ? {
            result: "changes" as const,
            message:
              whatWouldChange(look, changes) || `${counted(result.changes, "change")} of the stack itself`,
            changes: count,
          }
        : { result: "clean" as const, message: "" };
    }),
  );
};

/** The steps that are still open on a host after an `up` that succeeded. */
const openAfter = (look: TargetLook): string =>
  objection(look) ??
  (look.ok && look.state.kind === "open" ? `not proved yet: ${look.state.steps.join(", ")}` : "");

const up = async (stack: ReadStack, run: StackRun): Promise<StackResult> => {
  const { looks, done } = await judge(stack, run);
  if (done) return done;
  const result = await runEngine(stack, run, "up");
  if (!result.ok) return failed(stack, run, result);
  const wasClean = result.changes === 0;
  for (const { name } of stack.targets)
    run.tell({ type: "step", stack: stack.name, host: name, step: "probing again" });
  const again = wasClean
    ? looks
    : await Promise.all(stack.targets.map((target) => lookAtTarget(stack.name, target, run.ask)));
  await remember(stack, run, again);
  return finish(
    stack,
    run,
    "engine",
    each(stack, (host) => {
      const changes = changeCount(result.hosts[host] ?? NO_CHANGES);
      const look = again.find(({ name }) => name === host);
      const open = look ? openAfter(look) : "";
      const message = [changes > 0 ? counted(changes, "change") : "", open]
        .filter((text) => text !== "")
        .join("; ");
      return changes > 0 || open !== ""
        ? { result: "changed" as const, message, changes }
        : { result: "clean" as const, message };
    }),
    allSettled(again) !== undefined,
  );
};

const destroy = async (stack: ReadStack, run: StackRun): Promise<StackResult> => {
  for (const { name } of stack.targets)
    run.tell({ type: "step", stack: stack.name, host: name, step: "destroying" });
  const result = await runEngine(stack, run, "destroy");
  writeRecord(run.folders.records, run.reader.url, stack.name, undefined);
  if (!result.ok && result.why === "missing")
    return finish(
      stack,
      run,
      "engine",
      each(stack, () => ({ result: "clean", message: "there was nothing to destroy" })),
    );
  if (!result.ok) return failed(stack, run, result);
  return finish(
    stack,
    run,
    "engine",
    each(stack, (host) => {
      const changes = changeCount(result.hosts[host] ?? NO_CHANGES);
      return { result: "destroyed" as const, message: counted(changes, "change"), changes };
    }),
    true,
  );
};

/** Runs one operation on one stack and reports its progress. Does not throw for errors on its hosts. */
export const runStack = async (stack: ReadStack, run: StackRun): Promise<StackResult> => {
  try {
    if (run.operation === "up") return await up(stack, run);
    if (run.operation === "destroy") return await destroy(stack, run);
    return await preview(stack, run);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return finish(
      stack,
      run,
      "probe",
      each(stack, () => ({ result: "failed", message })),
    );
  }
};
