import { createLogUpdate } from "log-update";
import { paintFor, printable } from "../terminal.ts";
import { after, EMPTY, type FleetEvent, type FleetState } from "./state.ts";
import { countLine, hostName, plainLine, renderTable } from "./table.ts";

/** Where events go. */
export interface Show {
  tell(event: FleetEvent): void;
  readonly state: () => FleetState;
}

/** Milliseconds between two drawings of the table when nothing happens: the times go on. */
const TICK = 200;

const summary = (state: FleetState, seconds: number): string =>
  `${countLine(state.rows)}; ${seconds.toFixed(1)} s`;

const failures = (state: FleetState): string[] =>
  state.rows.flatMap((row) =>
    row.result === "failed"
      ? [`${printable(hostName(row))}: ${row.message.split("\n").map(printable).join("\n  ")}`]
      : [],
  );

const json = (now: () => number): Show => {
  let state = EMPTY;
  return {
    state: () => state,
    tell: (event) => {
      state = after(state, event, now());
      process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`);
    },
  };
};

const lines = (now: () => number): Show => {
  let state = EMPTY;
  const paint = paintFor(process.stdout);
  return {
    state: () => state,
    tell: (event) => {
      state = after(state, event, now());
      // what a preview looks at is no news
      const quiet = event.type === "step" && ["status", "preview"].includes(state.operation);
      const line = quiet ? undefined : plainLine(event, paint);
      if (line !== undefined) console.log(line);
      if (event.type === "end") console.log(summary(state, event.seconds));
    },
  };
};

const table = (now: () => number): Show => {
  let state = EMPTY;
  const paint = paintFor(process.stdout);
  const draw = createLogUpdate(process.stdout);
  const room = (): { columns: number; lines: number } => ({
    columns: process.stdout.columns ?? 100,
    lines: process.stdout.rows ?? 40,
  });
  const show = (): void => draw(renderTable(state, now(), { paint, ...room() }));
  const timer = setInterval(show, TICK);
  timer.unref();
  return {
    state: () => state,
    tell: (event) => {
      state = after(state, event, now());
      if (event.type === "note" || (event.type === "start" && event.resumed !== undefined)) {
        const text = plainLine(event, paint);
        if (text !== undefined) draw.persist(text);
      }
      if (event.type !== "end") return show();
      clearInterval(timer);
      // the whole of it stays, however long it is
      draw(renderTable(state, now(), { paint, columns: room().columns }));
      draw.done();
      for (const text of failures(state)) console.log(`\n${text}`);
    },
  };
};

/** A live table on a terminal, lines in a pipe, one JSON object a line with `--json`. */
export const startShow = (options: { readonly json?: boolean }): Show => {
  const now = (): number => performance.now();
  if (options.json) return json(now);
  return process.stdout.isTTY ? table(now) : lines(now);
};
