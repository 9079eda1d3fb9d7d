import { parentPort } from "node:worker_threads";
import type { Connection } from "../components/ssh/connection.ts";
import { dialHosts } from "../components/probe/dial.ts";
import type { RunResult } from "../components/ssh/session.ts";
import { configured } from "./configured.ts";
import { hostsOver } from "./merge.ts";

/** What the program asks of a host that is being dialled. */
export type ToWorker =
  | { readonly kind: "ask"; readonly host: string; readonly script: string }
  | { readonly kind: "end"; readonly host: string };

/** What the program is told: first of whom there is, then of each by itself. */
export type FromWorker =
  | { readonly kind: "hosts"; readonly hosts: Readonly<Record<string, Connection>> }
  /** the first of what it prints */
  | { readonly kind: "first"; readonly host: string; readonly chunk: Uint8Array }
  | { readonly kind: "ended"; readonly host: string; readonly result: RunResult }
  /** not let in, or the connection broke */
  | { readonly kind: "failed"; readonly host: string; readonly message: string };

const tell = (message: FromWorker): void => parentPort?.postMessage(message);
const failed = (host: string) => (error: unknown) =>
  tell({ kind: "failed", host, message: error instanceof Error ? error.message : String(error) });

const dialConfigured = (): ReturnType<typeof dialHosts> => {
  try {
    const hosts = hostsOver(configured("defaults"), configured("hosts"));
    return dialHosts({ hosts, secrets: configured("secrets") }, (host, chunk) =>
      tell({ kind: "first", host, chunk }),
    );
  } catch {
    // the program reads the same and tells what is wrong with it
    return new Map();
  }
};

const dialled = dialConfigured();
tell({
  kind: "hosts",
  hosts: Object.fromEntries([...dialled].map(([host, { connection }]) => [host, connection])),
});
for (const [host, { opened }] of dialled) opened.catch(failed(host));

parentPort?.on("message", (message: ToWorker) => {
  const { host } = message;
  const opened = dialled.get(host)?.opened;
  if (message.kind === "end")
    opened?.then(
      (open) => open.end(),
      () => {},
    );
  else
    opened
      ?.then(({ shell }) => shell.finish(message.script))
      .then((result) => tell({ kind: "ended", host, result }), failed(host));
});
