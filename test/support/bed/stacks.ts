import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import type { FleetEvent } from "../../../fleet/rollout/state.ts";
import { startBed, type Bed, type BedHost } from "./bed.ts";

const PROJECT = join(import.meta.dirname, "../../..");

type Settings = Record<string, unknown>;

export interface FleetResult {
  readonly code: number;
  readonly output: string;
  readonly events: readonly FleetEvent[];
  /** Result and message of every host. */
  readonly hosts: Readonly<Record<string, string>>;
}

/** The running command. */
export interface FleetProcess {
  signal(name: NodeJS.Signals): void;
  /** Resolves with the first matching event; rejects when the command ends without one. */
  told(is: (event: FleetEvent) => boolean): Promise<void>;
  readonly done: Promise<FleetResult>;
}

/** Hosts of a bed, each with a stack, and a separate backend. */
export interface BedFleet {
  readonly bed: Bed;
  readonly names: readonly string[];
  readonly environment: Readonly<Record<string, string>> & { readonly VFIO_FLEET_DATA: string };
  /** A stack's host by its number, from 0. */
  host(index: number): BedHost;
  /** Writes a stack file for a host, merged over the settings of all hosts of the bed. */
  describe(index: number, more?: Settings, config?: Settings): void;
  fleet(...args: readonly string[]): Promise<FleetResult>;
  start(...args: readonly string[]): FleetProcess;
  pulumi(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }>;
  stop(): Promise<void>;
}

/** The environment of `npm run pulumi`. */
const toolchain = (): Record<string, string> =>
  Object.fromEntries(
    execFileSync("bash", ["-c", ". toolchain/environment.sh && exec env -0"], {
      cwd: PROJECT,
      encoding: "utf8",
    })
      .split("\0")
      .flatMap((line) => {
        const at = line.indexOf("=");
        return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
      }),
  );

const salt = (): string =>
  (parse(readFileSync(join(PROJECT, "stacks/Pulumi.lab-xeon.yaml"), "utf8")) as { encryptionsalt: string })
    .encryptionsalt;

const parseEvents = (output: string): FleetEvent[] =>
  output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as FleetEvent] : []));

/**
 * @param prefix of the stacks' names; stack files of tests are called `test-…`
 * @param backend the states' backend; a separate folder by default
 */
export const startBedFleet = async (count: number, prefix: string, backend?: string): Promise<BedFleet> => {
  const bed = await startBed(count);
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-bed-state-"));
  mkdirSync(join(folder, "state"));
  const environment = {
    ...toolchain(),
    PULUMI_BACKEND_URL: backend ?? `file://${folder}/state`,
    VFIO_FLEET_DATA: join(folder, "data"),
  };
  const names = bed.hosts.map((_, index) => `${prefix}-${process.pid}-${index + 1}`);
  const file = (index: number): string => join(PROJECT, `stacks/Pulumi.${names[index]}.yaml`);
  const host = (index: number): BedHost => {
    const found = bed.hosts[index];
    if (!found) throw new Error(`the bed has no host ${index}`);
    return found;
  };
  const describe = (index: number, more: Settings = {}, config: Settings = {}): void =>
    writeFileSync(
      file(index),
      stringify({
        config: {
          "vfio-fleet:hosts": {
            [names[index] ?? ""]: {
              connection: host(index).connection,
              cards: { gpu: { address: "0000:01:00.0", ids: ["10de:1c81", "10de:0fb9"] } },
              ...more,
            },
          },
          ...config,
        },
        encryptionsalt: salt(),
      }),
    );
  for (const index of names.keys()) describe(index);
  const start: BedFleet["start"] = (...args) => {
    const child = execa("node", ["fleet/main.ts", ...args, "--json"], {
      cwd: PROJECT,
      env: environment,
      extendEnv: false,
      reject: false,
      all: true,
    });
    let output = "";
    const waiting = new Set<() => void>();
    child.all.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      for (const check of waiting) check();
    });
    const done = child.then(({ exitCode, all }): FleetResult => {
      const events = parseEvents(all);
      const results = events.flatMap((event) =>
        event.type === "host" ? [[event.host, `${event.result} ${event.message}`.trim()] as const] : [],
      );
      return { code: exitCode ?? -1, output: all, events, hosts: Object.fromEntries(results) };
    });
    return {
      signal: (name) => void child.kill(name),
      told: (is) =>
        new Promise((resolve, reject) => {
          const check = (): void => {
            if (!parseEvents(output.slice(0, output.lastIndexOf("\n") + 1)).some(is)) return;
            waiting.delete(check);
            resolve();
          };
          waiting.add(check);
          check();
          void done.then(() => reject(new Error(`the command ended without saying so:\n${output}`)));
        }),
      done,
    };
  };
  return {
    bed,
    names,
    environment,
    host,
    describe,
    start,
    fleet: (...args) => start(...args).done,
    pulumi: async (...args) => {
      const { exitCode, all } = await execa("pulumi", [...args, "--non-interactive", "--color", "never"], {
        cwd: PROJECT,
        env: environment,
        extendEnv: false,
        reject: false,
        all: true,
      });
      return { code: exitCode ?? -1, output: all };
    },
    stop: async () => {
      await bed.stop();
      for (const index of names.keys()) rmSync(file(index), { force: true });
      rmSync(folder, { recursive: true });
    },
  };
};
