import { availableParallelism } from "node:os";
import { join } from "node:path";
import PQueue from "p-queue";
import { programDigest } from "../stack/clean/program.ts";
import { backendUrl, stateReader, type StateReader } from "../stack/clean/checkpoint.ts";
import { CommandError } from "../ground/command-error.ts";
import { counted } from "../ground/format.ts";
import { PROJECT } from "../stack/stack-file.ts";
import { FOLDER, logFolder } from "./folders.ts";
import type { FleetOperation, FleetOptions } from "./options.ts";
import { endRollout, readRollout, writeRollout, type Rollout } from "./rollout-file.ts";
import type { RunStacks } from "./run-stacks.ts";
import { startShow } from "./show.ts";
import { runStack, type ReadStack, type StackResult } from "./stack-run.ts";
import { selectStacks, type FleetStack } from "./stacks.ts";
import { exitStatus, type FleetEvent, type HostResult } from "./state.ts";
import { startStopping, type Stopping } from "./stopping.ts";
import { planWaves } from "./waves.ts";

/** Number of probes in parallel. A probe mostly waits for the network, but each needs a connection. */
const PROBES = 64;

/** State versions of all stacks: one reader and one query for each backend. */
const readStates = async (
  stacks: readonly ReadStack[],
): Promise<ReadonlyMap<string, { readonly reader: StateReader; readonly version: string | undefined }>> => {
  const readers = new Map<string, { reader: StateReader; stacks: ReadStack[] }>();
  for (const stack of stacks) {
    const url = backendUrl(stack.environment, stack.file.backend);
    const known = readers.get(url) ?? { reader: stateReader(url, stack.environment), stacks: [] };
    known.stacks.push(stack);
    readers.set(url, known);
  }
  const found = await Promise.all(
    [...readers.values()].map(async ({ reader, stacks }) => {
      const versions = await reader.versions(stacks.map(({ name }) => name));
      return stacks.map(({ name }) => [name, { reader, version: versions.get(name) }] as const);
    }),
  );
  return new Map(found.flat());
};

const isWaved = ({ canary, wave, maxFailures }: FleetOptions): boolean =>
  canary !== undefined || wave !== undefined || maxFailures !== undefined;

const shapeOf = ({ canary = 0, wave }: FleetOptions): string =>
  `canary ${canary}, wave ${wave === undefined ? "all" : JSON.stringify(wave)}`;

/** The message that says how to resume a stopped roll-out. */
const howToGoOn = (
  failures: readonly string[],
  unproved: readonly string[],
  left: readonly string[],
  wave: string,
  logs: string,
): string => {
  const why = [
    ...(failures.length > 0 ? [`failed: ${failures.join(", ")}`] : []),
    ...(unproved.length > 0 ? [`not proved: ${unproved.join(", ")}`] : []),
  ].join("; ");
  const names = left.length > 8 ? `${left.slice(0, 8).join(", ")}, …` : left.join(", ");
  return (
    `the roll-out stopped in ${wave} (${why}); ${counted(left.length, "stack")} not begun: ${names}\n` +
    `  repair what failed (logs: ${logs}), then run the same command again: it resumes where it stopped.\n` +
    `  With --max-failures ${failures.length + 1} it continues in spite of these failures.`
  );
};

interface Roll {
  readonly stacks: readonly FleetStack[];
  readonly options: FleetOptions;
  readonly stopping: Stopping;
  readonly tell: (event: FleetEvent) => void;
  readonly logs: string;
  readonly waves: readonly (readonly string[])[];
  readonly rollout: Rollout | undefined;
  /** A stack that fails, or is not proved, stops the waves after it. */
  readonly inWaves: boolean;
  run(stack: ReadStack): Promise<StackResult>;
}

const leave = (roll: Roll, stacks: readonly FleetStack[], message: string): HostResult[] =>
  stacks.flatMap((stack) =>
    hostsOf(stack).map((host) => {
      roll.tell({ type: "host", stack: stack.name, host, result: "left", message });
      return "left" as const;
    }),
  );

const hostsOf = (stack: FleetStack): readonly string[] =>
  stack.ok ? stack.targets.map(({ name }) => name) : [stack.name];

/** Runs wave after wave and returns the results of all hosts. */
const rollOut = async (roll: Roll): Promise<HostResult[]> => {
  const { options, tell, stopping, inWaves } = roll;
  const byName = new Map(roll.stacks.map((stack) => [stack.name, stack]));
  const waves = roll.waves.map((names) => names.flatMap((name) => byName.get(name) ?? []));
  const limit = inWaves ? (options.maxFailures ?? 0) : Number.POSITIVE_INFINITY;
  const results: HostResult[] = [];
  const failures: string[] = [];
  const proved: string[] = [];
  for (const [index, wave] of waves.entries()) {
    if (waves.length > 1)
      tell({ type: "wave", wave: index + 1, waves: waves.length, stacks: wave.map(({ name }) => name) });
    const unproved: string[] = [];
    const queue = new PQueue({ concurrency: options.parallel ?? PROBES });
    const done = await Promise.all(
      wave.map((stack) =>
        queue.add(async (): Promise<HostResult[]> => {
          if (stopping.begin.aborted) return leave(roll, [stack], "interrupted");
          if (failures.length > limit) return leave(roll, [stack], `after ${failures.join(", ")} failed`);
          if (!stack.ok) {
            failures.push(stack.name);
            tell({
              type: "host",
              stack: stack.name,
              host: stack.name,
              result: "failed",
              message: stack.message,
            });
            return ["failed"];
          }
          const result = await roll.run(stack);
          const found = Object.values(result.hosts);
          if (found.includes("failed")) failures.push(stack.name);
          else if (!result.proved) unproved.push(stack.name);
          else {
            proved.push(stack.name);
            if (roll.rollout) writeRollout(FOLDER, [...byName.keys()], { ...roll.rollout, proved });
          }
          return found;
        }),
      ),
    );
    results.push(...done.flat());
    const rest = waves.slice(index + 1).flat();
    if (rest.length === 0) continue;
    if (stopping.begin.aborted) {
      results.push(...leave(roll, rest, "interrupted"));
      break;
    }
    if (failures.length > limit || (inWaves && unproved.length > 0)) {
      results.push(...leave(roll, rest, `${[...failures, ...unproved].join(", ")} stopped the roll-out`));
      tell({
        type: "note",
        text: howToGoOn(
          failures,
          unproved,
          rest.map(({ name }) => name),
          `wave ${index + 1} of ${waves.length}`,
          roll.logs,
        ),
      });
      break;
    }
  }
  return results;
};

const here =
  (states: Awaited<ReturnType<typeof readStates>>, parallel: number | undefined): RunStacks =>
  (run) => {
    // Engines are limited because they take memory and processor time; probes do not.
    const engines = new PQueue({ concurrency: parallel ?? Math.max(4, 2 * availableParallelism()) });
    return {
      run: (stack) => {
        const state = states.get(stack.name);
        if (!state) throw new Error(`no state was read for ${stack.name}`);
        return runStack(stack, { ...run, ...state, withEngine: (work) => engines.add(work) });
      },
      end: () => Promise.resolve(),
    };
  };

/**
 * `vfio-fleet status | preview | up | destroy`.
 * @returns the exit status: 0 done or clean, 2 something would change, 1 something failed or was not begun
 * @throws {CommandError} when the arguments select no stacks
 */
export const runFleet = async (
  operation: FleetOperation,
  names: readonly string[],
  options: FleetOptions,
): Promise<number> => {
  const started = performance.now();
  // Paths in stack files are relative to the project, which is the program's working directory.
  process.chdir(PROJECT);
  const stacks = await selectStacks(names, options);
  if (operation === "destroy" && !options.yes)
    throw new CommandError(
      `destroy undoes everything on ${stacks.map(({ name }) => name).join(", ")} and reboots the hosts: add --yes to do it`,
      { exitCode: 1 },
    );
  const read = stacks.filter((stack) => stack.ok);
  const all = stacks.map(({ name }) => name);
  const inWaves = operation === "up" && isWaved(options);
  const shape = shapeOf(options);
  const known = inWaves && !options.afresh ? readRollout(FOLDER, all, shape) : undefined;
  const waves =
    known?.waves ??
    planWaves(all, { canary: inWaves ? (options.canary ?? 0) : 0, wave: inWaves ? options.wave : undefined });
  const rollout = inWaves
    ? (known ?? {
        started: new Date().toISOString(),
        shape,
        waves: waves.map((wave) => [...wave]),
        proved: [],
      })
    : undefined;
  if (rollout) writeRollout(FOLDER, all, rollout);

  const show = startShow(options);
  const tell = (event: FleetEvent): void => show.tell(event);
  const stopping = startStopping((text) => tell({ type: "note", text }));
  const logs = logFolder(new Date());
  tell({
    type: "start",
    operation,
    hosts: stacks.flatMap((stack) => hostsOf(stack).map((host) => ({ stack: stack.name, host }))),
    waves,
    ...(known && {
      resumed: `resuming the roll-out of ${known.started}: ${known.proved.length} of ${counted(all.length, "stack")} proved`,
    }),
  });
  const runner = options.queue
    ? await (await import("../queue/follow.ts")).queued(options)
    : here(await readStates(read), options.parallel);
  const stacksRunner = runner({
    operation,
    engine: options.engine === true,
    program: programDigest(),
    folders: { logs, records: join(FOLDER, "clean") },
    interrupt: stopping.interrupt,
    kill: stopping.kill,
    tell,
  });
  try {
    const results = await rollOut({
      stacks,
      options,
      inWaves,
      stopping,
      tell,
      logs,
      waves,
      rollout,
      run: (stack) => stacksRunner.run(stack),
    });
    const exit = exitStatus(results);
    if (rollout && exit === 0) endRollout(FOLDER, all);
    tell({ type: "end", exit, seconds: (performance.now() - started) / 1000 });
    return exit;
  } finally {
    stopping.end();
    await stacksRunner.end();
  }
};
