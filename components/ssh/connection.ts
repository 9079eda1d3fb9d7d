import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Checked, Problem } from "../facts/problem.ts";
import type { ConnectionSecrets, ConnectionSpec, HopSpec } from "./connection-schema.ts";

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

/** The key that known_hosts files hold for a host, ed25519 first. `ssh-keygen -F` knows hashed names as well. */
const knownKey = (
  settings: ReadonlyMap<string, string[]>,
  host: string,
  port: number,
): string | undefined => {
  const alias = settings.get("hostkeyalias")?.[0];
  const name = alias ?? (port === 22 ? host : `[${host}]:${port}`);
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

const authOf = (
  path: string,
  keyFiles: readonly string[],
  explicit: boolean,
  passphrase: string | undefined,
): Hop["auth"] | Problem => {
  for (const file of keyFiles) {
    try {
      const privateKey = readFileSync(expand(file), "utf8");
      return { kind: "key", path: file, privateKey, ...(passphrase !== undefined && { passphrase }) };
    } catch (error) {
      if (explicit)
        return {
          path: `${path}.privateKeyFile`,
          problem: `cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`,
          remedy: "name an existing private key, or leave it out and use an SSH agent",
        };
    }
  }
  const socket = process.env["SSH_AUTH_SOCK"];
  if (socket) return { kind: "agent", socket };
  return {
    path: `${path}.privateKeyFile`,
    problem: "no private key is named and no SSH agent is running (SSH_AUTH_SOCK is not set)",
    remedy: "set privateKeyFile to the path of your key (such as ~/.ssh/id_ed25519), or start an agent",
  };
};

const resolveHop = (
  path: string,
  spec: HopSpec,
  settings: ReadonlyMap<string, string[]>,
  passphrase: string | undefined,
): Hop | Problem => {
  const host = settings.get("hostname")?.[0] ?? spec.host;
  const port = spec.port ?? Number(settings.get("port")?.[0] ?? 22);
  const user = spec.user ?? settings.get("user")?.[0] ?? "root";
  const hostKey = spec.hostKey?.split(" ").slice(0, 2).join(" ") ?? knownKey(settings, host, port);
  const auth = authOf(
    path,
    spec.privateKeyFile === undefined ? (settings.get("identityfile") ?? []) : [spec.privateKeyFile],
    spec.privateKeyFile !== undefined,
    passphrase,
  );
  if ("problem" in auth) return auth;
  return { host, port, user, auth, ...(hostKey !== undefined && { hostKey }) };
};

/**
 * Resolves a stack's connection to what SSH needs.
 * @param path where the connection stands in the stack file, for error messages
 */
export const resolveConnection = (
  path: string,
  spec: ConnectionSpec,
  secrets: ConnectionSecrets = {},
): Checked<Connection> => {
  let settings: ReadonlyMap<string, string[]> = new Map();
  if (spec.sshConfig !== undefined) {
    try {
      readFileSync(expand(spec.sshConfig));
      settings = lookUp(expand(spec.sshConfig), spec.host);
    } catch (error) {
      return {
        ok: false,
        problems: [
          {
            path: `${path}.sshConfig`,
            problem: `cannot look ${spec.host} up: ${error instanceof Error ? error.message.trim() : String(error)}`,
            remedy: spec.sshConfig.startsWith(".lab/")
              ? `start the lab host first: npm run lab -- up ${spec.host}`
              : "name an ssh_config file that exists and has an entry for the host",
          },
        ],
      };
    }
  }
  const target = resolveHop(path, spec, settings, secrets.privateKeyPassphrase);
  const proxy =
    spec.proxy && resolveHop(`${path}.proxy`, spec.proxy, new Map(), secrets.privateKeyPassphrase);
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
