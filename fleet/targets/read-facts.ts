import type { Facts } from "../../components/facts/facts.ts";
import { CommandError } from "../ground/command-error.ts";
import { readDocument } from "./facts-file/files.ts";
import type { Probed } from "./probe.ts";
import type { SshOptions, Target } from "./target.ts";

/** Where a command's facts come from. */
export interface FactsSource extends SshOptions {
  /** a file that `inspect --save` wrote, instead of asking anybody */
  readonly from?: string;
}

export interface TargetFacts {
  readonly takenAt: string;
  /** the facts are somebody's who has hidden names and addresses */
  readonly masked: boolean;
  readonly hosts: readonly { readonly name: string; readonly facts: Facts; readonly target?: Target }[];
  /** one message a host that could not be asked */
  readonly failures: readonly string[];
}

const answers = (
  asked: readonly Probed[],
  names: readonly string[],
  failures: readonly string[] = [],
): TargetFacts => ({
  takenAt: new Date().toISOString(),
  masked: false,
  hosts: asked.flatMap((host, index) =>
    host.ok ? [{ name: names[index] ?? host.target.name, facts: host.facts, target: host.target }] : [],
  ),
  failures: [...failures, ...asked.flatMap((host) => (host.ok ? [] : [host.message]))],
});

/** Facts from a file, or from the hosts that `target` names. Throws a CommandError when there is neither or both. */
export const readFacts = async (target: string | undefined, source: FactsSource): Promise<TargetFacts> => {
  if (source.from !== undefined) {
    if (target !== undefined)
      throw new CommandError("name either a stack or SSH target, or --from FILE, not both");
    const { takenAt, masked, hosts } = readDocument(source.from);
    return { takenAt, masked, hosts: hosts.map(({ name, facts }) => ({ name, facts })), failures: [] };
  }
  if (target === undefined)
    throw new CommandError("name a stack or an SSH target such as root@host, or --from FILE");
  // SSH and the stacks' schema are loaded only when somebody is asked
  const [{ probeHosts: askHosts }, { shownNames, targetsOf }] = await Promise.all([
    import("./probe.ts"),
    import("./target.ts"),
  ]);
  const targets = await targetsOf(target, source);
  return answers(await askHosts(targets), shownNames(targets));
};

/** Facts of the hosts of every stack. Throws a CommandError when there is no stack. */
export const readFactsEverywhere = async (): Promise<TargetFacts> => {
  const [{ probeHosts: askHosts }, { everyTarget, shownNames }] = await Promise.all([
    import("./probe.ts"),
    import("./target.ts"),
  ]);
  const { targets, unread } = await everyTarget();
  return answers(
    await askHosts(targets),
    shownNames(targets),
    unread.map(({ message }) => message),
  );
};
