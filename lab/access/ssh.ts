/** Commands on a lab host, through the plain ssh client. */
import { execa } from "execa";
import { hostDir, sshConfigFile } from "../paths.ts";

export interface SshOptions {
  /** Standard input of the command; none when left out. */
  readonly input?: string;
  /** Default root; the image also has op (sudo without a password), opw (with one) and nosudo. */
  readonly user?: string;
  /** Time for the command, once connected. Default 120,000. */
  readonly timeoutMs?: number;
  /** Time for the connection, if one has to be made. Default 30,000. */
  readonly connectTimeoutMs?: number;
}

export interface SshResult {
  /** The command's exit status; 255 when ssh itself failed, with its message in `stderr`. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `command` by the user's login shell on a running host. Connections are shared and kept for two minutes, since a
 * new one costs the emulated processor a second; one that a reboot has cut is made anew. Throws when the command takes
 * longer than its time; a command that fails is a result.
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
    // the request for a session went to a connection that was dead: the command has not run
    const neverRan =
      result.code === 255 && /^mux_client_(request_session|hello_exchange)/m.test(result.stderr);
    if (!neverRan || attempt === 3) return result;
    await ssh(hostName, user, ["-O", "exit", target], 5000);
  }
};

/** As {@link sshRun}, for a command that has to succeed: its standard output, without the last newline. */
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
      // the control socket's path is relative: a socket's path may be 107 bytes long
      cwd: hostDir(hostName),
      ...(input === undefined ? { stdin: "ignore" } : { input }),
      stripFinalNewline: false,
      timeout: timeoutMs,
      reject: false,
    },
  );
  if (timedOut) throw new Error(`${hostName}: not done in ${timeoutMs} ms: ssh ${args.join(" ")}\n${stderr}`);
  return { code: exitCode ?? 255, stdout, stderr: exitCode === undefined ? `${stderr}${message}` : stderr };
};
