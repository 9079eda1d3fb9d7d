/** Events of a run over many stacks. The table, the plain lines and `--json` show the same events in three ways. */
export type FleetEvent =
  | {
      readonly type: "start";
      readonly operation: string;
      readonly hosts: readonly { readonly stack: string; readonly host: string }[];
      readonly waves: readonly (readonly string[])[];
      /** Set for a roll-out that resumes: what is done already. */
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
      /** Number of resources that were changed or would be. */
      readonly changes?: number;
      /** Who judged the host: the probe alone, or an engine. */
      readonly by?: "probe" | "engine";
      readonly log?: string;
    }
  | { readonly type: "note"; readonly text: string }
  | { readonly type: "end"; readonly exit: number; readonly seconds: number };

/**
 * - `clean`: nothing to change; `changes`: something would change; `changed`: it was changed and proved
 * - `failed`: the probe got no answer, the plan refused the host, or a step failed
 * - `left`: not begun, because the roll-out stopped earlier
 */
export type HostResult = "clean" | "changes" | "changed" | "destroyed" | "failed" | "left";

export interface Row {
  readonly stack: string;
  readonly host: string;
  readonly wave: number | undefined;
  readonly step: string;
  /** Milliseconds on the caller's clock. */
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly result: HostResult | undefined;
  readonly message: string;
}

/** The state of a run at one moment. */
export interface FleetState {
  readonly operation: string;
  readonly waves: number;
  readonly rows: readonly Row[];
}

/**
 * Follows a run by its events. An event costs the same for any number of hosts; reading the state costs one row a
 * host.
 */
export interface Following {
  /** @param now the caller's clock in milliseconds */
  take(event: FleetEvent, now: number): void;
  state(): FleetState;
}

export const followRun = (): Following => {
  const rows = new Map<string, Row>();
  let run = { operation: "", waves: 0 };
  const keyOf = ({ stack, host }: { readonly stack: string; readonly host: string }): string =>
    `${stack}\0${host}`;
  const begin = ({ operation, hosts, waves }: FleetEvent & { readonly type: "start" }): void => {
    run = { operation, waves: waves.length };
    const waveOf = new Map(waves.flatMap((stacks, index) => stacks.map((stack) => [stack, index + 1])));
    for (const host of hosts)
      rows.set(keyOf(host), {
        ...host,
        wave: waveOf.get(host.stack),
        step: "",
        since: undefined,
        until: undefined,
        result: undefined,
        message: "",
      });
  };
  return {
    state: () => ({ ...run, rows: [...rows.values()] }),
    take: (event, now) => {
      if (event.type === "start") begin(event);
      if (event.type !== "step" && event.type !== "host") return;
      const row = rows.get(keyOf(event));
      if (!row) return;
      const since = row.since ?? now;
      if (event.type === "host")
        rows.set(keyOf(event), { ...row, since, until: now, result: event.result, message: event.message });
      else if (row.result === undefined) rows.set(keyOf(event), { ...row, since, step: event.step });
    },
  };
};

/** The exit status for these results: 1 something failed, 2 something would change, 0 neither. */
export const exitStatus = (results: readonly (HostResult | undefined)[]): 0 | 1 | 2 => {
  if (results.some((result) => result === "failed" || result === "left" || result === undefined)) return 1;
  return results.includes("changes") ? 2 : 0;
};
