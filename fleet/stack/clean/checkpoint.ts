import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import PQueue from "p-queue";
import { isSettings } from "../../../stacks/merge.ts";
import type { Environment } from "../engine/environment.ts";
import { PROJECT } from "../stack-file.ts";

/** A stack's state as its backend stores it. */
export interface Checkpoint {
  /** A value that changes with every change of the state. */
  readonly version: string;
  /** `create` of every remote command, by resource name. */
  readonly commands: Readonly<Record<string, string>>;
  /**
   * Number of resources that are still to be deleted. Interrupted operations do not count, because the engine only
   * warns of them.
   */
  readonly pending: number;
}

/** Reads the states of one backend, without an engine. */
export interface StateReader {
  readonly url: string;
  /** True: a stack without a version has no state. False (through the CLI): the state may exist but be unreadable. */
  readonly tellsMissing: boolean;
  /** The version of each stack's state; a stack without a state is not in the map. */
  versions(stacks: readonly string[]): Promise<ReadonlyMap<string, string>>;
  checkpoint(stack: string): Promise<Checkpoint | undefined>;
}

const records = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((one): one is Record<string, unknown> => isSettings(one)) : [];

const digest = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

/**
 * Reads a checkpoint file (Pulumi: apitype.VersionedCheckpoint) or the output of `pulumi stack export`, plain or
 * gzip.
 */
export const parseCheckpoint = (bytes: Buffer): Checkpoint => {
  const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString("utf8");
  const document: unknown = JSON.parse(text);
  const top = isSettings(document) ? document : {};
  const checkpoint = isSettings(top["checkpoint"]) ? top["checkpoint"] : {};
  const latest = isSettings(checkpoint["latest"]) ? checkpoint["latest"] : top["deployment"];
  const deployment = isSettings(latest) ? latest : {};
  const resources = records(deployment["resources"]);
  return {
    version: digest(bytes),
    commands: Object.fromEntries(
      resources.flatMap(({ urn, inputs }) => {
        const create = isSettings(inputs) ? inputs["create"] : undefined;
        return typeof urn === "string" && typeof create === "string"
          ? [[urn.split("::").slice(3).join("::"), create]]
          : [];
      }),
    ),
    pending: resources.filter((resource) => resource["delete"] === true).length,
  };
};

const PROJECT_NAME = "vfio-fleet";

/**
 * The keys of a stack's state in a self-managed backend (Pulumi: backend/diy, projectReferenceStore and
 * legacyReferenceStore).
 */
const keysOf = (stack: string): string[] =>
  [`.pulumi/stacks/${PROJECT_NAME}/${stack}.json`, `.pulumi/stacks/${stack}.json`].flatMap((key) => [
    key,
    `${key}.gz`,
  ]);

const fromFolder = (url: string, folder: string): StateReader => {
  const read = (stack: string): Buffer | undefined => {
    for (const key of keysOf(stack)) {
      const path = join(folder, key);
      if (existsSync(path)) return readFileSync(path);
    }
    return undefined;
  };
  return {
    url,
    tellsMissing: true,
    versions: (stacks) =>
      Promise.resolve(
        new Map(
          stacks.flatMap((stack) => {
            const bytes = read(stack);
            return bytes ? [[stack, digest(bytes)] as const] : [];
          }),
        ),
      ),
    checkpoint: (stack) => {
      const bytes = read(stack);
      return Promise.resolve(bytes && parseCheckpoint(bytes));
    },
  };
};

/** The keys in PostgreSQL: each begins with the database's name. */
const postgresKeys = (url: string, stack: string): string[] => {
  const prefix = decodeURIComponent(new URL(url).pathname.slice(1));
  return keysOf(stack).map((key) => (prefix === "" ? key : `${prefix}/${key}`));
};

const fromPostgres = (url: string): StateReader => ({
  url,
  tellsMissing: true,
  versions: async (stacks) => {
    const { stateVersions } = await import("./postgres-state.ts");
    const keys = new Map(
      stacks.flatMap((stack) => postgresKeys(url, stack).map((key) => [key, stack] as const)),
    );
    const rows = await stateVersions(url, [...keys.keys()]);
    return new Map(rows.map(({ key, version }) => [keys.get(key) ?? "", version]));
  },
  checkpoint: async (stack) => {
    const { stateData } = await import("./postgres-state.ts");
    const [found] = await stateData(url, postgresKeys(url, stack));
    return found && { ...parseCheckpoint(found.data), version: found.version };
  },
});

/** Number of CLI processes in parallel. Each takes some 80 MB and mostly waits for its backend. */
const CLIS = 16;

/** Reads from any other backend through the CLI. It takes one process a stack, but no engine. */
const fromCli = (url: string, environment: Environment): StateReader => {
  const places = new PQueue({ concurrency: CLIS });
  const read = (stack: string): Promise<Buffer | undefined> =>
    places.add(async () => {
      const { runProgram } = await import("../engine/process.ts");
      const { code, stdout } = await runProgram(
        ["pulumi", "stack", "export", "--stack", stack, "--non-interactive"],
        { cwd: PROJECT, env: environment },
      );
      return code === 0 ? Buffer.from(stdout) : undefined;
    });
  return {
    url,
    tellsMissing: false,
    versions: async (stacks) => {
      const found = await Promise.all(
        stacks.map(async (stack) => {
          const bytes = await read(stack);
          return bytes ? [[stack, digest(bytes)] as const] : [];
        }),
      );
      return new Map(found.flat());
    },
    checkpoint: async (stack) => {
      const bytes = await read(stack);
      return bytes && parseCheckpoint(bytes);
    },
  };
};

const jsonFile = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
};

/** The backend that Pulumi would choose: from the environment, the project, or the login. */
export const backendUrl = (environment: Environment, project: string | undefined): string => {
  const home = environment["PULUMI_HOME"] ?? join(environment["HOME"] ?? homedir(), ".pulumi");
  const login = jsonFile(join(home, "credentials.json"));
  const current = isSettings(login) && typeof login["current"] === "string" ? login["current"] : "";
  return environment["PULUMI_BACKEND_URL"] || project || current;
};

/** The state reader for a backend. */
export const stateReader = (url: string, environment: Environment): StateReader => {
  if (/^postgres(ql)?:\/\//.test(url)) return fromPostgres(url);
  const path = /^file:\/\/([^?]*)/.exec(url)?.[1];
  if (path === undefined) return fromCli(url, environment);
  const expanded = path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
  return fromFolder(url, isAbsolute(expanded) ? expanded : resolve(PROJECT, expanded));
};
