import type { Connection } from "../ssh/connection.ts";
import { elevated } from "../probe/elevate.ts";
import { SHELL } from "../probe/shell.ts";
import { AGENT } from "../facts/programs.ts";
import { commandLine } from "../ssh/quote.ts";
import { HostError } from "../ssh/host-error.ts";
import { runOnHost } from "../ssh/session.ts";

/** What the host said about its lock, and whether it did what was asked. */
export interface UnlockAnswer {
  readonly ok: boolean;
  readonly said: string;
}

/**
 * Asks a host who has its lock (components/agent/lock.sh).
 * @param since breaks the lock that was taken at that moment, and no other
 * @throws {HostError} when the host cannot be asked
 */
export const unlockHost = async (connection: Connection, since?: string): Promise<UnlockAnswer> => {
  const program = [AGENT, "unlock", ...(since === undefined ? [] : [since])];
  const script = [
    // a host without the agent has nothing to lock
    `[ -x ${AGENT} ] || { echo "the host is not locked"; exit 0; }`,
    `exec ${commandLine(program)} </dev/null`,
    "",
  ].join("\n");
  const { code, stdout, stderr } = await runOnHost(
    connection,
    SHELL,
    elevated({ script, program, input: "" }, connection.sudoPassword),
  );
  if (code === 0) return { ok: true, said: Buffer.from(stdout).toString().trim() };
  const refusal = /^vfio-fleet: (.*)$/m.exec(stderr)?.[1];
  if (refusal !== undefined) return { ok: false, said: refusal };
  throw new HostError(
    `${connection.user}@${connection.host}`,
    `the lock cannot be asked about (exit status ${code}): ${stderr.trim().slice(0, 500)}`,
    "the login has to be root or allowed to use sudo",
  );
};
