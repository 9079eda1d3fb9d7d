import type { Connection } from "../../components/ssh/connection.ts";
import { formatProblems } from "../../components/facts/problem.ts";
import { watchHost } from "../../components/probe/watch.ts";
import { CommandError } from "../ground/command-error.ts";
import { everyTarget, shownNames, targetsOf, type SshOptions, type Target } from "../targets/target.ts";
import { pciNames } from "../ground/pci-names.ts";
import { paintFor, printable } from "../ground/terminal.ts";
import { waitFor } from "../ground/wait-for.ts";
import { renderWatch } from "./render.ts";
import { answered, failed, startState, type WatchState } from "./state.ts";

/** The options as the command line gives them. */
export interface WatchOptions extends SshOptions {
  readonly all?: true;
  readonly interval: number;
  readonly once?: true;
}

/** Milliseconds until a host that is away, because it reboots for example, is asked again. */
const RETRY = 5000;

/** The targets that can be watched, and those that cannot: by name, with the reason. */
interface Found {
  readonly targets: readonly Target[];
  readonly failures: readonly { readonly name: string; readonly message: string }[];
}

const findTargets = async (target: string | undefined, options: WatchOptions): Promise<Found> => {
  if (options.all) {
    if (target !== undefined) throw new CommandError("a target and --all were both given; give one of them");
    const { targets, unread } = await everyTarget();
    return { targets, failures: unread.map(({ stack, message }) => ({ name: stack, message })) };
  }
  if (target === undefined) throw new CommandError("give a stack, an SSH target such as root@host, or --all");
  return { targets: await targetsOf(target, options), failures: [] };
};

/** The output: a picture that is redrawn on a terminal, log lines one by one elsewhere. */
interface Screen {
  draw(state: WatchState): void;
  close(): void;
}

const terminalScreen = (stream: NodeJS.WriteStream): Screen => {
  const paint = paintFor(stream);
  // The alternate screen without a cursor; at the end the terminal shows its old content again.
  stream.write("\u{1b}[?1049h\u{1b}[?25l");
  return {
    draw: (state) => {
      const rows = Math.max(1, (stream.rows ?? 40) - 1);
      const text = renderWatch(state, { names: pciNames(), paint, rows, columns: stream.columns });
      const fits = text.split("\n").slice(-rows);
      stream.write(`\u{1b}[H${fits.map((line) => `${line}\u{1b}[K`).join("\n")}\u{1b}[J`);
    },
    close: () => stream.write("\u{1b}[?25h\u{1b}[?1049l"),
  };
};

const plainScreen = (stream: NodeJS.WriteStream): Screen => {
  let last = "";
  return {
    draw: (state) => {
      const text = renderWatch(state, { names: pciNames(), paint: paintFor(stream) });
      if (text !== last) stream.write(`${text}\n\n`);
      last = text;
    },
    close: () => {},
  };
};

/**
 * `vfio-fleet watch`: runs until Ctrl-C. Returns the exit status, 2 when `--once` got no answer. Throws a
 * CommandError.
 */
export const watch = async (target: string | undefined, options: WatchOptions): Promise<number> => {
  const { targets, failures: unreachable } = await findTargets(target, options);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  const screen =
    process.stdout.isTTY && !options.once ? terminalScreen(process.stdout) : plainScreen(process.stdout);
  const names = shownNames(targets);
  let state = startState([...names, ...unreachable.map(({ name }) => name)]);
  const show = (next: WatchState): void => {
    state = next;
    if (!options.once) screen.draw(state);
  };
  const follow = async (name: string, connection: Connection): Promise<void> => {
    const done = new AbortController();
    const signal = AbortSignal.any([stop.signal, done.signal]);
    const followUntilItFails = async (): Promise<boolean> => {
      try {
        await watchHost(
          connection,
          options.interval,
          (facts) => {
            show(answered(state, name, facts));
            if (options.once) done.abort();
          },
          signal,
        );
        return true;
      } catch (error) {
        show(failed(state, name, error instanceof Error ? error.message : String(error)));
        return options.once === true;
      }
    };
    await waitFor(followUntilItFails, { interval: RETRY, signal });
  };
  try {
    show(state);
    for (const { name, message } of unreachable) show(failed(state, name, message));
    const reached = targets.flatMap(({ name: own, connection }, index) => {
      const name = names[index] ?? own;
      if (connection.ok) return [{ name, connection: connection.value }];
      show(failed(state, name, formatProblems(name, connection.problems)));
      return [];
    });
    await Promise.all(reached.map(({ name, connection }) => follow(name, connection)));
  } finally {
    screen.close();
    process.off("SIGINT", end).off("SIGTERM", end);
  }
  if (options.once) screen.draw(state);
  const failures = state.hosts.flatMap(({ failure }) => failure ?? []);
  for (const message of failures) console.error(printable(message.replaceAll("\n", " ")));
  return options.once && failures.length > 0 ? 2 : 0;
};
