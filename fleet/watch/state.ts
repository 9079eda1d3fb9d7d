import type { Facts } from "../../components/facts/facts.ts";

/** One line of a host's kernel log. */
export interface LogEntry {
  readonly host: string;
  readonly line: string;
  /** True if the line is older than the watch. */
  readonly old: boolean;
}

export interface WatchedHost {
  readonly name: string;
  readonly facts: Facts | undefined;
  /** Why there is no answer now; the last facts stay. */
  readonly failure: string | undefined;
  /** Lines that were shown already. */
  readonly seen: ReadonlySet<string>;
}

export interface WatchState {
  readonly hosts: readonly WatchedHost[];
  /** Newest last. */
  readonly log: readonly LogEntry[];
}

const KEPT = 200;
/** Number of older lines that are shown for each host at the start. */
const BEFORE = 3;

export const startState = (names: readonly string[]): WatchState => ({
  hosts: names.map((name) => ({ name, facts: undefined, failure: undefined, seen: new Set<string>() })),
  log: [],
});

const change = (state: WatchState, name: string, to: (host: WatchedHost) => WatchedHost): WatchState => ({
  ...state,
  hosts: state.hosts.map((host) => (host.name === name ? to(host) : host)),
});

/** The state after a host's answer: its facts replace the last ones, and its new log lines are appended. */
export const answered = (state: WatchState, name: string, facts: Facts): WatchState => {
  const before = state.hosts.find((host) => host.name === name);
  const lines = facts.survey?.kernelLog?.trouble ?? [];
  // Time stamps start at zero with each boot, so lines of an earlier boot do not count as seen.
  const first = before?.facts === undefined || before.facts.bootId !== facts.bootId;
  const seen = first ? new Set<string>() : (before.seen ?? new Set<string>());
  const fresh = lines.filter((line) => !seen.has(line));
  const told = before?.facts === undefined ? fresh.slice(-BEFORE) : fresh;
  return {
    ...change(state, name, (host) => ({ ...host, facts, failure: undefined, seen: new Set(lines) })),
    log: [
      ...state.log,
      ...told.map((line) => ({ host: name, line, old: before?.facts === undefined })),
    ].slice(-KEPT),
  };
};

/** The state after a failed probe: the last facts stay, marked as old. */
export const failed = (state: WatchState, name: string, failure: string): WatchState =>
  change(state, name, (host) => ({ ...host, failure }));
