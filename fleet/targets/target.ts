import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Checked } from "../../components/facts/problem.ts";
import type { HostSpec } from "../../components/host/host-spec.ts";
import { resolveConnection, type Connection } from "../../components/ssh/connection.ts";
import { CommandError } from "../ground/command-error.ts";
import { printable } from "../ground/terminal.ts";
import { stackSecrets } from "./secrets.ts";
import { readStackFile, stackNames, type StackFile } from "../stack/stack-file.ts";

/** A host that can be probed, with its description in a stack. */
export interface Target {
  /** The name in the stack; `user@host` for a host without a stack. */
  readonly name: string;
  readonly stack?: string;
  readonly spec?: HostSpec;
  readonly connection: Checked<Connection>;
}

/** SSH options for a host without a stack. */
export interface SshOptions {
  readonly identity?: string;
  readonly hostKey?: string;
  readonly sshConfig?: string;
}

const SSH = /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(\[[0-9a-f:]+\]|[^@:\s/]+)(?::(\d{1,5}))?\/?$/i;

const sshTarget = (text: string, options: SshOptions): Target => {
  const match = SSH.exec(text);
  const [, user, host = "", port] = match ?? [];
  if (!match || host.startsWith("-") || user?.startsWith("-"))
    throw new CommandError(
      `"${printable(text)}" is neither a stack (${stackNames().join(", ")}) nor an SSH target such as root@host or root@host:2222`,
    );
  const own = join(homedir(), ".ssh", "config");
  // Without a config file of the user, ssh's defaults still name keys and known hosts.
  const sshConfig = options.sshConfig ?? (existsSync(own) ? own : "/dev/null");
  const spec = {
    host: host.replace(/^\[|\]$/g, ""),
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port: Number(port) }),
    ...(options.identity !== undefined && { privateKeyFile: options.identity }),
    ...(options.hostKey !== undefined && { hostKey: options.hostKey }),
    sshConfig,
  };
  const connection = resolveConnection("the command line", spec, {}, "command line");
  return { name: text.replace(/^ssh:\/\//, ""), connection };
};

/** All hosts of a stack; `file` is given if it was read already. */
export const stackTargets = async (
  stack: string,
  file?: StackFile,
  environment?: Readonly<Record<string, string>>,
): Promise<Target[]> => {
  const { hosts, hasSecrets } = file ?? (await readStackFile(stack));
  const secrets = hasSecrets ? await stackSecrets(stack, environment) : {};
  return Object.entries(hosts).map(([name, spec]) => ({
    name,
    stack,
    spec,
    connection: resolveConnection(
      `vfio-fleet:hosts.${name}.connection`,
      spec.connection,
      secrets[name] ?? {},
    ),
  }));
};

/** A stack that could not be read, so that its hosts are unknown. */
interface UnreadStack {
  readonly stack: string;
  readonly message: string;
}

/**
 * The hosts of every stack file. A file that cannot be read does not stop the others. Throws a CommandError when
 * there is no stack.
 */
export const everyTarget = async (
  folder?: string,
): Promise<{ readonly targets: readonly Target[]; readonly unread: readonly UnreadStack[] }> => {
  const stacks = stackNames(folder);
  if (stacks.length === 0)
    throw new CommandError("there is no stack: stacks/ has no Pulumi.NAME.yaml; vfio-fleet init writes one");
  const found = await Promise.all(
    stacks.map(async (stack): Promise<readonly Target[] | UnreadStack> => {
      try {
        return await stackTargets(stack, await readStackFile(stack, folder));
      } catch (error) {
        return { stack, message: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  return {
    targets: found.flatMap((one) => ("stack" in one ? [] : one)),
    unread: found.flatMap((one) => ("stack" in one ? one : [])),
  };
};

/** Unique names of the targets: where two stacks use the same host name, the stack's name comes first. */
export const shownNames = (targets: readonly Target[]): string[] => {
  const alike = Map.groupBy(targets, ({ name }) => name);
  return targets.map(({ name, stack }) =>
    (alike.get(name)?.length ?? 0) > 1 && stack !== undefined ? `${stack}/${name}` : name,
  );
};

/**
 * The hosts that a command's argument names: all of a stack, or one SSH target. Throws a CommandError for neither.
 */
export const targetsOf = async (text: string, options: SshOptions): Promise<Target[]> => {
  if (stackNames().includes(text)) return stackTargets(text);
  if (!/[@:]/.test(text) && options.sshConfig === undefined)
    throw new CommandError(
      `there is no stack "${printable(text)}"; the stacks are ${stackNames().join(", ")}. For an SSH host write user@${printable(text)}`,
    );
  return [sshTarget(text, options)];
};
