import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import pWaitFor from "p-wait-for";
import { Client } from "pg";
import { freePort } from "./sshd.ts";

/** A separate PostgreSQL server on 127.0.0.1, with the programs of Debian's package. */
export interface Postgres {
  readonly url: string;
  /** Stops it as a power cut would, or starts it again on the same data. */
  crash(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const PROGRAMS = "/usr/lib/postgresql";

const binFolder = (): string => {
  const newest = readdirSync(PROGRAMS).sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) throw new Error(`${PROGRAMS} holds no PostgreSQL`);
  return join(PROGRAMS, newest, "bin");
};

/** PostgreSQL does not run as root. */
const asOwner = (): readonly string[] =>
  userInfo().uid === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] : [];

export const startPostgres = async (): Promise<Postgres> => {
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-postgres-"));
  const data = join(folder, "data");
  const port = await freePort();
  chmodSync(folder, 0o777);
  const command = (program: string, ...args: readonly string[]): readonly [string, string[]] => {
    const [first = "", ...rest] = [...asOwner(), join(binFolder(), program), ...args];
    return [first, rest];
  };
  execFileSync(...command("initdb", "--pgdata", data, "--username=fleet", "--auth=trust", "--no-sync"), {
    stdio: "pipe",
    cwd: folder,
  });
  const url = `postgres://fleet@127.0.0.1:${port}/postgres?sslmode=disable`;
  let server: ChildProcess | undefined;
  const answers = async (): Promise<boolean> => {
    const client = new Client({ connectionString: url });
    try {
      await client.connect();
      await client.query("select 1");
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  };
  const start = async (): Promise<void> => {
    server = spawn(
      ...command(
        "postgres",
        "-D",
        data,
        "-p",
        String(port),
        "-c",
        "listen_addresses=127.0.0.1",
        "-k",
        folder,
        "-F",
      ),
      { stdio: "ignore", cwd: folder },
    );
    const started = async (): Promise<boolean> => {
      if (server?.exitCode != null) throw new Error("PostgreSQL does not start");
      return answers();
    };
    await pWaitFor(started, {
      interval: 100,
      timeout: { milliseconds: 30_000, message: "PostgreSQL does not start" },
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill(signal);
    await gone;
  };
  await start();
  return {
    url,
    start,
    // An immediate shutdown: every connection is cut, and nothing more is written.
    crash: () => end("SIGQUIT"),
    stop: async () => {
      await end("SIGQUIT");
      rmSync(folder, { recursive: true });
    },
  };
};
