/**
 * The hosts of the stack that this process runs for, dialled by a thread of its own as soon as this is imported: what a
 * host is asked takes as long to load as the host takes to let us in.
 */
import { isMainThread, Worker } from "node:worker_threads";
import type { AskedHost } from "../components/probe/ask.ts";
import type { Connection } from "../components/ssh/connection.ts";
import type { RunResult } from "../components/ssh/session.ts";
import type { FromWorker, ToWorker } from "./dial-worker.ts";

export interface DialledHost {
  readonly connection: Connection;
  /** can be asked at once; the answer is rejected when the host does not let us in */
  readonly shell: AskedHost;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** One host as the program sees it, and what the worker says of it. */
const remoteHost = (send: (message: ToWorker) => void, host: string, onEnd: () => void) => {
  // what the shell printed before anything was asked
  const early: Buffer[] = [];
  let asked: (Waiting<RunResult> & { readonly onFirst: (text: Buffer) => void }) | undefined;
  let failure: Error | undefined;
  return {
    shell: {
      ask: (script: string, onFirst: (text: Buffer) => void) =>
        new Promise<RunResult>((resolve, reject) => {
          if (failure) return reject(failure);
          asked = { resolve, reject, onFirst };
          for (const chunk of early) onFirst(chunk);
          send({ kind: "ask", host, script });
        }),
      end: () => {
        send({ kind: "end", host });
        onEnd();
      },
    },
    hear: (message: Exclude<FromWorker, { kind: "hosts" }>): void => {
      if (message.kind === "first") {
        const chunk = Buffer.from(message.chunk);
        if (asked) asked.onFirst(chunk);
        else early.push(chunk);
      } else if (message.kind === "ended") asked?.resolve(message.result);
      else {
        failure = new Error(message.message);
        asked?.reject(failure);
        onEnd();
      }
    },
  };
};

const startWorker = () => {
  const worker = new Worker(new URL("dial-worker.ts", import.meta.url), { execArgv: [] });
  const hosts = Promise.withResolvers<ReadonlyMap<string, DialledHost>>();
  hosts.promise.catch(() => {});
  const remotes = new Map<string, ReturnType<typeof remoteHost>>();
  const busy = new Set<string>();
  let [isWanted, isKnown] = [false, false];
  /** The process lives for what it has asked for and was not told yet; what nobody asked for does not keep it. */
  const keepAlive = (): void => (isWanted && (!isKnown || busy.size > 0) ? worker.ref() : worker.unref());
  worker.on("message", (message: FromWorker) => {
    if (message.kind !== "hosts") return remotes.get(message.host)?.hear(message);
    const found = new Map<string, DialledHost>();
    for (const [host, connection] of Object.entries(message.hosts)) {
      busy.add(host);
      const done = (): void => {
        busy.delete(host);
        keepAlive();
      };
      const remote = remoteHost((asked) => worker.postMessage(asked), host, done);
      remotes.set(host, remote);
      found.set(host, { connection, shell: remote.shell });
    }
    isKnown = true;
    keepAlive();
    hosts.resolve(found);
  });
  worker.on("error", (error) => {
    const cause = error instanceof Error ? error : new Error(String(error));
    hosts.reject(cause);
    isKnown = true;
    for (const [host, remote] of remotes) remote.hear({ kind: "failed", host, message: cause.message });
    keepAlive();
  });
  keepAlive();
  const ask = (): Promise<ReadonlyMap<string, DialledHost>> => {
    isWanted = true;
    keepAlive();
    return hosts.promise;
  };
  return { ask };
};

const started = isMainThread && process.env["PULUMI_CONFIG"] !== undefined ? startWorker() : undefined;

/** Every host whose connection could be understood, by name, as it is being connected to. */
export const dialledHosts = async (): Promise<ReadonlyMap<string, DialledHost>> =>
  started ? started.ask() : new Map();
