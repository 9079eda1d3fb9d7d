/**
 * What a run over many stacks tells, one event after the other: the table, the plain lines and `--json` are three ways to
 * show the same events.
 */
export type FleetEvent =
  | {
      readonly type: "start";
      readonly operation: string;
      readonly hosts: readonly { readonly stack: string; readonly host: string }[];
      readonly waves: readonly (readonly string[])[];
      /** of a roll-out that goes on: what is done already */
      readonly resumed?: string;
    }
  | {
      readonly type: "wave";
      readonly wave: number;
      readonly waves: number;
      readonly stacks: readonly string[];
    }
  | { readonly type: "step"; readonly stack: string; readonly host: string; readonly step: string }
  | {
      readonly type: "host";
      readonly stack: string;
      readonly host: string;
      readonly result: HostResult;
      readonly message: string;
      /** how many resources were changed or would be */
      readonly changes?: number;
      /** how it was judged: without an engine, or by one */
      readonly by?: "probe" | "engine";
      readonly log?: string;
    }
  | { readonly type: "note"; readonly text: string }
  | { readonly type: "end"; readonly exit: number; readonly seconds: number };

/**
 * - `clean`: nothing to change; `changes`: something would change; `changed`: it was changed and proved
 * - `failed`: it could not be asked, was refused, or a step failed
 * - `left`: not begun, because the roll-out stopped before it
 */
export type HostResult = "clean" | "changes" | "changed" | "destroyed" | "failed" | "left";

export interface Row {
  readonly stack: string;
  readonly host: string;
  readonly wave: number | undefined;
  readonly step: string;
  /** milliseconds of the clock that the caller uses */
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly result: HostResult | undefined;
  readonly message: string;
}

export interface FleetState {
  readonly operation: string;
  readonly waves: number;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

export const EMPTY: FleetState = { operation: "", waves: 0, rows: [], notes: [] };

const change = (
  state: FleetState,
  is: (row: Row) => boolean,
  to: (row: Row) => Partial<Row>,
): FleetState => ({ ...state, rows: state.rows.map((row) => (is(row) ? { ...row, ...to(row) } : row)) });

/** The state after an event; `now` is the caller's clock in milliseconds. */
export const after = (state: FleetState, event: FleetEvent, now: number): FleetState => {
  switch (event.type) {
    case "start": {
      const waveOf = (stack: string): number | undefined => {
        const found = event.waves.findIndex((wave) => wave.includes(stack));
        return found < 0 ? undefined : found + 1;
      };
      return {
        operation: event.operation,
        waves: event.waves.length,
        notes: [],
        rows: event.hosts.map(({ stack, host }) => ({
          stack,
          host,
          wave: waveOf(stack),
          step: "",
          since: undefined,
          until: undefined,
          result: undefined,
          message: "",
        })),
      };
    }
    case "wave":
    case "end":
      return state;
    case "note":
      return { ...state, notes: [...state.notes, event.text] };
    case "step":
      return change(
        state,
        (row) => row.stack === event.stack && row.host === event.host && row.result === undefined,
        (row) => ({ step: event.step, since: row.since ?? now }),
      );
    case "host":
      return change(
        state,
        (row) => row.stack === event.stack && row.host === event.host,
        (row) => ({
          result: event.result,
          message: event.message,
          until: now,
          since: row.since ?? now,
        }),
      );
    default:
      return event satisfies never;
  }
};

/** The exit status that the results stand for: 1 something failed, 2 something would change, 0 neither. */
export const exitStatus = (results: readonly (HostResult | undefined)[]): 0 | 1 | 2 => {
  if (results.some((result) => result === "failed" || result === "left" || result === undefined)) return 1;
  return results.includes("changes") ? 2 : 0;
};
