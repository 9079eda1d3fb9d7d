/** Commands on a lab host, through the plain ssh client. */
import { execa } from "execa";
import { hostDir, sshConfigFile } from "../paths.ts";

export interface SshOptions {
  /** Standard input of the command; empty by default. */
  readonly input?: string;
  /** Default: root. The image also has op (sudo without a password), opw (sudo with one) and nosudo. */
  readonly user?: string;
  /** Time limit of the command after the connection. Default: 120,000. */
  readonly timeoutMs?: number;
  /** Time limit of a new connection. Default: 30,000. */
  readonly connectTimeoutMs?: number;
}

export interface SshResult {
  /** The command's exit status; 255 when ssh itself failed, with ssh's message in `stderr`. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `command` in the user's login shell on a running host. Connections are shared and kept for two minutes,
 * because a new one costs the emulated processor a second. A connection that a reboot has cut is made again. Throws
 * when the command exceeds its time limit; a command that fails is a result.
 */
export const sshRun = async (
  hostName: string,
  command: string,
  options: SshOptions = {},
): Promise<SshResult> => {
  const { input, user = "root", timeoutMs = 120_000, connectTimeoutMs = 30_000 } = options;
  const target = `${user}@${hostName}`;
  for (let attempt = 1; ; attempt++) {
    const master = await ensureMaster(hostName, user, connectTimeoutMs);
    if (master.code !== 0) return master;
    const result = await ssh(hostName, user, [target, "--", command], timeoutMs, input);
    // The session request went to a dead connection, so the command has not run.
    const neverRan =
      result.code === 255 && /^mux_client_(request_session|hello_exchange)/m.test(result.stderr);
    if (!neverRan || attempt === 3) return result;
    await ssh(hostName, user, ["-O", "exit", target], 5000);
  }
};

/** As {@link sshRun}, but throws when the command fails; returns its standard output without the last newline. */
export const sshOutput = async (
  hostName: string,
  command: string,
  options: SshOptions = {},
): Promise<string> => {
  const { code, stdout, stderr } = await sshRun(hostName, command, options);
  if (code === 0) return stdout.replace(/\n$/, "");
  throw new Error(`${hostName}: \`${command}\` ended with status ${code}: ${stderr.trim() || stdout.trim()}`);
};

/** Closes the shared connections to a host. */
export const closeConnections = async (
  hostName: string,
  users = ["root", "op", "opw", "nosudo"],
): Promise<void> => {
  await Promise.all(users.map((user) => ssh(hostName, user, ["-O", "exit", `${user}@${hostName}`], 5000)));
};

const ensureMaster = async (hostName: string, user: string, connectTimeoutMs: number): Promise<SshResult> => {
  const target = `${user}@${hostName}`;
  const check = await ssh(hostName, user, ["-O", "check", target], 5000);
  if (check.code === 0) return check;
  const seconds = Math.max(1, Math.round(connectTimeoutMs / 1000));
  const options = ["-o", "ControlPersist=120", "-o", `ConnectTimeout=${seconds}`, "-o", "BatchMode=yes"];
  return ssh(hostName, user, ["-f", "-N", "-M", ...options, target], connectTimeoutMs + 5000);
};

const ssh = async (
  hostName: string,
  user: string,
  args: readonly string[],
  timeoutMs: number,
  input?: string,
): Promise<SshResult> => {
  const multiplex = ["-S", `ssh-${user}.sock`, "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=4"];
  const { exitCode, stdout, stderr, timedOut, message } = await execa(
    "ssh",
    ["-F", sshConfigFile(), ...multiplex, ...args],
    {
      // The control socket's path is relative, because a socket's path has at most 107 bytes.
      cwd: hostDir(hostName),
      ...(input === undefined ? { stdin: "ignore" } : { input }),
      stripFinalNewline: false,
      timeout: timeoutMs,
      reject: false,
    },
  );
  if (timedOut)
    throw new Error(`${hostName}: no end within ${timeoutMs} ms: ssh ${args.join(" ")}\n${stderr}`);
  return { code: exitCode ?? 255, stdout, stderr: exitCode === undefined ? `${stderr}${message}` : stderr };
};
