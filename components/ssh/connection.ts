import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Checked, Problem } from "../facts/problem.ts";
import type { ConnectionSecrets, ConnectionSpec, HopSpec } from "./connection-schema.ts";
import { agentHasKeys, DEFAULT_KEYS, findKey } from "./default-keys.ts";
import { isLabConnection, startLabHost } from "./lab-host.ts";

/** Who described a connection, so that a remedy names what that person has: a stack file, or a command's options. */
export interface Described {
  readonly by: "stack" | "command line" | "lab";
  /** what the person called the host */
  readonly host: string;
  /** the host's name in known_hosts */
  readonly knownAs: string;
  /** the pinned key is from a known_hosts file */
  readonly keyIsKnown: boolean;
  /** keys that nobody named and that could not be tried, each with why */
  readonly passedOver: readonly string[];
}

export interface Hop {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** `type base64`; undefined when nobody has approved a key yet */
  readonly hostKey?: string;
  readonly auth:
    | {
        readonly kind: "key";
        readonly path: string;
        readonly privateKey: string;
        readonly passphrase?: string;
      }
    | { readonly kind: "agent"; readonly socket: string };
  /** for what is said about it; a connection that was made by hand is its program's */
  readonly described?: Described;
}

export interface Connection extends Hop {
  readonly sudoPassword?: string;
  readonly proxy?: Hop;
}

const expand = (path: string): string =>
  path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : resolve(path);

/** What OpenSSH itself makes of a Host entry: `ssh -G` resolves Match, Include and defaults (ssh(1)). */
const lookUp = (configFile: string, host: string): ReadonlyMap<string, string[]> => {
  const text = execFileSync("ssh", ["-G", "-F", configFile, "--", host], { encoding: "utf8", stdio: "pipe" });
  const found = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const at = line.indexOf(" ");
    if (at > 0) found.set(line.slice(0, at), [...(found.get(line.slice(0, at)) ?? []), line.slice(at + 1)]);
  }
  return found;
};

/** What a host is called in known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
const knownName = (settings: ReadonlyMap<string, string[]>, host: string, port: number): string =>
  settings.get("hostkeyalias")?.[0] ?? (port === 22 ? host : `[${host}]:${port}`);

/** The key that known_hosts files hold for a host, ed25519 first. `ssh-keygen -F` knows hashed names as well. */
const knownKey = (
  settings: ReadonlyMap<string, string[]>,
  host: string,
  port: number,
): string | undefined => {
  const name = knownName(settings, host, port);
  const lines = (settings.get("userknownhostsfile")?.[0]?.split(" ") ?? []).flatMap((file) => {
    try {
      const text = execFileSync("ssh-keygen", ["-F", name, "-f", expand(file)], {
        encoding: "utf8",
        stdio: "pipe",
      });
      return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    } catch {
      return [];
    }
  });
  const keys = lines.map((line) => line.split(" ").slice(1, 3).join(" "));
  return keys.find((key) => key.startsWith("ssh-ed25519 ")) ?? keys[0];
};

type By = Described["by"];

/** Where a setting stands: in the stack file below `path`, or as an option. */
const settingAt = (path: string, by: By, name: "privateKeyFile" | "sshConfig"): string =>
  by === "command line"
    ? { privateKeyFile: "--identity", sshConfig: "--ssh-config" }[name]
    : `${path}.${name}`;

/** The key that the description names. */
const namedKey = (at: string, file: string, passphrase: string | undefined): Hop["auth"] | Problem => {
  try {
    const privateKey = readFileSync(expand(file), "utf8");
    return { kind: "key", path: file, privateKey, ...(passphrase !== undefined && { passphrase }) };
  } catch (error) {
    return {
      path: at,
      problem: `cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`,
      remedy: "name an existing private key, or leave it out and use an SSH agent",
    };
  }
};

interface UnnamedAuth {
  readonly auth?: Hop["auth"];
  readonly passedOver: readonly string[];
}

/**
 * How to log in where no key is named: with the keys of ssh_config, which has defaults of its own, else an agent; without
 * ssh_config with an agent that holds keys, else the default keys. A key that needs a passphrase which nobody gave is passed over.
 */
const unnamedAuth = (
  settings: ReadonlyMap<string, string[]>,
  passphrase: string | undefined,
): UnnamedAuth => {
  const configured = settings.get("identityfile");
  const socket = process.env["SSH_AUTH_SOCK"];
  const agent = socket ? ({ kind: "agent", socket } as const) : undefined;
  const passedOver: string[] = [];
  for (const path of configured ?? DEFAULT_KEYS) {
    const found = findKey(expand(path), passphrase);
    if (found === undefined) continue;
    if ("unfit" in found) {
      passedOver.push(`${path} (${found.unfit})`);
      continue;
    }
    if (configured === undefined && agent && agentHasKeys(agent.socket)) break;
    const { privateKey } = found;
    return {
      auth: { kind: "key", path, privateKey, ...(passphrase !== undefined && { passphrase }) },
      passedOver,
    };
  }
  return { ...(agent && { auth: agent }), passedOver };
};

const noKey = (at: string, by: By, passedOver: readonly string[]): Problem => ({
  path: at,
  problem: `no private key is named, no SSH agent is running (SSH_AUTH_SOCK is not set), and ${
    passedOver.length > 0
      ? `of the keys that ssh tries by itself none can be used: ${passedOver.join(", ")}`
      : "there is none of the keys that ssh tries by itself, such as ~/.ssh/id_ed25519"
  }`,
  remedy:
    by === "command line"
      ? "name a private key with --identity FILE, or start an agent (eval $(ssh-agent); ssh-add FILE)"
      : "set privateKeyFile to the path of your key, or start an agent (eval $(ssh-agent); ssh-add FILE)",
});

const resolveHop = (
  path: string,
  spec: HopSpec,
  by: By,
  settings: ReadonlyMap<string, string[]>,
  passphrase: string | undefined,
): Hop | Problem => {
  const host = settings.get("hostname")?.[0] ?? spec.host;
  const port = spec.port ?? Number(settings.get("port")?.[0] ?? 22);
  const user = spec.user ?? settings.get("user")?.[0] ?? "root";
  const pinned = spec.hostKey?.split(" ").slice(0, 2).join(" ");
  const hostKey = pinned ?? knownKey(settings, host, port);
  const at = settingAt(path, by, "privateKeyFile");
  const { auth, passedOver }: { auth?: Hop["auth"] | Problem; passedOver: readonly string[] } =
    spec.privateKeyFile === undefined
      ? unnamedAuth(settings, passphrase)
      : { auth: namedKey(at, spec.privateKeyFile, passphrase), passedOver: [] };
  if (auth === undefined) return noKey(at, by, passedOver);
  if ("problem" in auth) return auth;
  const described = {
    by,
    host: spec.host,
    knownAs: knownName(settings, host, port),
    keyIsKnown: pinned === undefined && hostKey !== undefined,
    passedOver,
  };
  return { host, port, user, auth, ...(hostKey !== undefined && { hostKey }), described };
};

/** A host of the lab that is not up has no entry in its file, or there is no file; an entry has an address. */
const isUp = (spec: ConnectionSpec, settings: ReadonlyMap<string, string[]>): boolean =>
  settings.get("hostname")?.[0] !== spec.host;

/** What ssh makes of the configuration file that the description names. */
const settingsOf = (path: string, spec: ConnectionSpec, by: By): ReadonlyMap<string, string[]> | Problem => {
  if (spec.sshConfig === undefined) return new Map();
  const notUp = {
    path,
    problem: `the lab host ${spec.host} is not up`,
    remedy: startLabHost(spec.host),
  };
  try {
    readFileSync(expand(spec.sshConfig));
    const settings = lookUp(expand(spec.sshConfig), spec.host);
    return by === "lab" && !isUp(spec, settings) ? notUp : settings;
  } catch (error) {
    if (by === "lab" && (error as NodeJS.ErrnoException).code === "ENOENT") return notUp;
    return {
      path: settingAt(path, by, "sshConfig"),
      problem: `cannot look ${spec.host} up: ${error instanceof Error ? error.message.trim() : String(error)}`,
      remedy: "name an ssh_config file that exists and has an entry for the host",
    };
  }
};

/**
 * Resolves a connection to what SSH needs.
 * @param path where the connection stands in the stack file, for error messages
 * @param from a command that was given the host has options, and no stack file
 */
export const resolveConnection = (
  path: string,
  spec: ConnectionSpec,
  secrets: ConnectionSecrets = {},
  from: "stack" | "command line" = "stack",
): Checked<Connection> => {
  const by = isLabConnection(spec) ? "lab" : from;
  const settings = settingsOf(path, spec, by);
  if ("problem" in settings) return { ok: false, problems: [settings] };
  const target = resolveHop(path, spec, by, settings, secrets.privateKeyPassphrase);
  const proxy =
    spec.proxy && resolveHop(`${path}.proxy`, spec.proxy, by, new Map(), secrets.privateKeyPassphrase);
  const problems = [target, proxy].flatMap((found) => (found && "problem" in found ? [found] : []));
  if ("problem" in target || (proxy && "problem" in proxy)) return { ok: false, problems };
  return {
    ok: true,
    value: {
      ...target,
      ...(secrets.sudoPassword !== undefined && { sudoPassword: secrets.sudoPassword }),
      ...(proxy && { proxy }),
    },
  };
};
