import { createLogUpdate } from "log-update";
import { paintFor, printable } from "../ground/terminal.ts";
import { followRun, type FleetEvent, type FleetState } from "./state.ts";
import { countLine, hostName, plainLine, renderTable } from "./table.ts";

/** The receiver of events. */
export interface Show {
  tell(event: FleetEvent): void;
}

/**
 * Milliseconds between two drawings of the table. The number of events does not matter, because each drawing draws
 * every host.
 */
const TICK = 200;

const summary = (state: FleetState, seconds: number): string =>
  `${countLine(state.rows)}; ${seconds.toFixed(1)} s`;

const failures = (state: FleetState): string[] =>
  state.rows.flatMap((row) =>
    row.result === "failed"
      ? [`${printable(hostName(row))}: ${row.message.split("\n").map(printable).join("\n  ")}`]
      : [],
  );

const json = (): Show => ({
  tell: (event) =>
    void process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`),
});

const lines = (): Show => {
  const run = followRun();
  const paint = paintFor(process.stdout);
  let isQuiet = false;
  return {
    tell: (event) => {
      run.take(event, performance.now());
      if (event.type === "start") isQuiet = ["status", "preview"].includes(event.operation);
      // The steps of a preview are no news.
      const line = event.type === "step" && isQuiet ? undefined : plainLine(event, paint);
      if (line !== undefined) console.log(line);
      if (event.type === "end") console.log(summary(run.state(), event.seconds));
    },
  };
};

const table = (): Show => {
  const run = followRun();
  const paint = paintFor(process.stdout);
  const draw = createLogUpdate(process.stdout);
  // A terminal that does not know its size reports 0.
  const columns = (): number => process.stdout.columns || 100;
  const timer = setInterval(() => {
    const size = { columns: columns(), lines: process.stdout.rows || 40 };
    draw(renderTable(run.state(), performance.now(), { paint, ...size }));
  }, TICK);
  timer.unref();
  return {
    tell: (event) => {
      run.take(event, performance.now());
      if (event.type === "note" || (event.type === "start" && event.resumed !== undefined)) {
        const text = plainLine(event, paint);
        if (text !== undefined) draw.persist(text);
      }
      if (event.type !== "end") return;
      clearInterval(timer);
      // The final table is printed in full; drawings before it are cut to the terminal's height.
      const state = run.state();
      draw.clear();
      draw.done();
      console.log(renderTable(state, performance.now(), { paint, columns: columns() }));
      for (const text of failures(state)) console.log(`\n${text}`);
    },
  };
};

/** The live table on a terminal, plain lines in a pipe, or one JSON object a line with `--json`. */
export const startShow = (options: { readonly json?: boolean }): Show => {
  if (options.json) return json();
  return process.stdout.isTTY ? table() : lines();
};
