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
import type { FleetStack } from "./stacks.ts";
import type { FleetEvent, HostResult } from "./state.ts";

export type ReadStack = FleetStack & { readonly ok: true };

/** What a run over one stack needs to know and whom it tells. */
export interface StackRun {
  readonly operation: "status" | Operation;
  /** the engine is asked whatever the probe says */
  readonly engine: boolean;
  readonly program: string;
  readonly reader: StateReader;
  /** the state's version before anything was done; undefined for a stack without one */
  readonly version: string | undefined;
  readonly folders: { readonly logs: string; readonly records: string };
  readonly interrupt: AbortSignal;
  readonly kill: AbortSignal;
  tell(event: FleetEvent): void;
  /** over SSH when it is left out */
  readonly ask?: Ask;
  /** a state that somebody holds is waited for; one that is held too long was given up */
  readonly waitsForLock?: boolean;
  /** waits for a free place among the engines */
  withEngine<T>(work: () => Promise<T>): Promise<T>;
}

export interface StackResult {
  readonly hosts: Readonly<Record<string, HostResult>>;
  /** after an `up`: every host shows every effect that its stack wants */
  readonly proved: boolean;
}

const print = (stack: ReadStack, run: StackRun, looks: readonly TargetLook[]): string | undefined => {
  const settled = allSettled(looks);
  // what Pulumi ESC adds to a stack's configuration is not in its file
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

/** What an operator wants to know of a host that would change: what drifted, before how much is due. */
const whatWouldChange = (look: TargetLook | undefined, changes: HostChanges): string => {
  const drift = look?.ok && look.state.kind === "open" ? look.state.drift : [];
  return [...(drift.length > 0 ? [`drift: ${drift.join(", ")}`] : []), describe(changes)]
    .filter((text) => text !== "")
    .join("; ");
};

/** `the stack is currently locked by … created by USER@HOST (pid N) at TIME` (Pulumi: backend/diy/lock.go). */
const LOCK = /created by (\S+)@(\S+) \(pid (\d+)\)(?: at (\S+))?/;

/** The holder of a lock is a process of this machine that is no more. */
export const isStaleLock = (message: string, here = hostname(), alive = isThere): boolean => {
  const [, , host, pid] = LOCK.exec(message) ?? [];
  return host === here && pid !== undefined && !alive(Number(pid));
};

const lockedBy = (message: string): string => {
  const [, user, host, pid, at] = LOCK.exec(message) ?? [];
  return user === undefined
    ? `another update of this stack is under way: ${message.trim()}`
    : `${user} on ${host} is updating this stack${at === undefined ? "" : ` since ${at}`} (process ${pid}): wait for it, or, if it is gone, take its lock away with pulumi cancel`;
};

/** Two Pulumis at once make their table in a new PostgreSQL, and one of them is told so. */
const RACED = /failed to create table .*\(23505\)/;

/** The agent on a host waits for another run that long; a holder of the state that is slower is no more. */
const LOCK_MINUTES = 20;
const LOCK_PAUSE = 2000;

/** The engine on one stack; a stack that has no state yet gets one, and a dead process's lock is taken away. */
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
  // an engine that is started to find out that there is no state costs as much as one that changes something; where the state
  // is there after all, nothing happens
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
  let last: EngineResult = first;
  const patience = performance.now() + (run.waitsForLock === true ? LOCK_MINUTES * 60_000 : 0);
  while (!last.ok && last.why === "locked" && !run.interrupt.aborted) {
    const isOver = performance.now() >= patience;
    if (isStaleLock(last.message) || (isOver && run.waitsForLock === true))
      await engine.runPulumi(["cancel", "--yes", stack.name], stack.environment, logOf(run, stack.name));
    else if (isOver) return last;
    else await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE));
    last = await once();
  }
  return last;
};

export const lookAt = (stack: ReadStack, run: StackRun): Promise<TargetLook[]> =>
  Promise.all(
    stack.targets.map((target: Target) => {
      run.tell({ type: "step", stack: stack.name, host: target.name, step: "asking the host" });
      return lookAtTarget(stack.name, target, run.ask);
    }),
  );

/** The engine found nothing to change: what the probe showed before it is what a clean stack looks like. */
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
        ? `it has no state yet: vfio-fleet up ${stack.name} makes it`
        : result.why === "interrupted"
          ? `cancelled: run it again, it goes on from what it finds\n${result.message}`
          : result.message;
  return finish(
    stack,
    run,
    "engine",
    each(stack, () => ({ result: "failed" as const, message })),
  );
};

/** `status` and `preview` of one stack, and of `up` the part before the engine. */
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
            { result: "failed", message: message ?? `${bad.join(", ")} of the same stack stands against it` },
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
      each(stack, () => ({ result: "changes", message: "it has no state yet: up makes everything" })),
    );
  // an engine would say no more, in half a second of a processor
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
      // what belongs to no host, such as the stack itself, is everybody's
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

/** What is still open on a host after an `up` that went well. */
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
    run.tell({ type: "step", stack: stack.name, host: name, step: "looking again" });
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

/** Does one operation on one stack and tells how it goes. Does not throw for what goes wrong there. */
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
