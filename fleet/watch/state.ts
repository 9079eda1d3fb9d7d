import type { Facts } from "../../components/facts/facts.ts";

/** One line of a host's kernel log, as it came. */
export interface LogEntry {
  readonly host: string;
  readonly line: string;
  /** it was there before the watch began */
  readonly old: boolean;
}

export interface WatchedHost {
  readonly name: string;
  readonly facts: Facts | undefined;
  /** why there is no answer now; the last facts stay */
  readonly failure: string | undefined;
  /** lines that were seen, so that each is shown once */
  readonly seen: ReadonlySet<string>;
}

export interface WatchState {
  readonly hosts: readonly WatchedHost[];
  /** newest last */
  readonly log: readonly LogEntry[];
}

const KEPT = 200;
/** of what was there before, this many lines a host give a start */
const BEFORE = 3;

export const startState = (names: readonly string[]): WatchState => ({
  hosts: names.map((name) => ({ name, facts: undefined, failure: undefined, seen: new Set<string>() })),
  log: [],
});

const change = (state: WatchState, name: string, to: (host: WatchedHost) => WatchedHost): WatchState => ({
  ...state,
  hosts: state.hosts.map((host) => (host.name === name ? to(host) : host)),
});

/** A host has answered: its facts replace the last ones, and lines of its log that are new are told. */
export const answered = (state: WatchState, name: string, facts: Facts): WatchState => {
  const before = state.hosts.find((host) => host.name === name);
  const lines = facts.survey?.kernelLog?.trouble ?? [];
  // time stamps begin anew with a boot, so what was seen before it says nothing
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

/** A host does not answer; what it last said stays, marked as old. */
export const failed = (state: WatchState, name: string, failure: string): WatchState =>
  change(state, name, (host) => ({ ...host, failure }));
