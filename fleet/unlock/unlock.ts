import { formatProblems } from "../../components/facts/problem.ts";
import { HostError } from "../../components/ssh/host-error.ts";
import { commandLine } from "../../components/ssh/quote.ts";
import { unlockHost } from "../../components/agent/unlock.ts";
import { targetsOf, type SshOptions, type Target } from "../targets/target.ts";
import { printable } from "../ground/terminal.ts";

/** The options as the command line gives them. */
export interface UnlockOptions extends SshOptions {
  readonly since?: string;
}

const lines = (text: string): string => text.split("\n").map(printable).join("\n  ");

/** One host's exit status, its answer printed. */
const unlockOne = async (target: Target, again: string, since: string | undefined): Promise<0 | 1 | 2> => {
  if (!target.connection.ok) {
    console.error(formatProblems(target.name, target.connection.problems));
    return 2;
  }
  try {
    const { ok, said } = await unlockHost(target.connection.value, since);
    (ok ? console.log : console.error)(`${printable(target.name)}: ${lines(said)}`);
    const found = /^locked since (\S+)/.exec(said)?.[1];
    if (found !== undefined) console.log(`  if that run is dead: ${again} --since ${printable(found)}`);
    return ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    console.error(error.message);
    return 2;
  }
};

/** `vfio-fleet unlock`. Returns the worst exit status of all hosts. Throws a CommandError. */
export const unlock = async (target: string, { since, ...ssh }: UnlockOptions): Promise<number> => {
  const targets = await targetsOf(target, ssh);
  const options = [
    ["--identity", ssh.identity],
    ["--host-key", ssh.hostKey],
    ["--ssh-config", ssh.sshConfig],
  ].flatMap(([name = "", value]) => (value === undefined ? [] : [name, value]));
  const again = `vfio-fleet unlock ${commandLine([target, ...options])}`;
  return Math.max(...(await Promise.all(targets.map((one) => unlockOne(one, again, since)))));
};
