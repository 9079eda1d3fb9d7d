import type { Facts } from "../../components/facts/facts.ts";
import { CommandError } from "../ground/command-error.ts";
import { readDocument } from "./facts-file/files.ts";
import type { Probed } from "./probe.ts";
import type { SshOptions, Target } from "./target.ts";

/** The source of a command's facts. */
export interface FactsSource extends SshOptions {
  /** A file that `inspect --save` wrote, instead of a probe. */
  readonly from?: string;
}

export interface TargetFacts {
  readonly takenAt: string;
  /** Names and addresses in the facts are masked. */
  readonly masked: boolean;
  readonly hosts: readonly { readonly name: string; readonly facts: Facts; readonly target?: Target }[];
  /** One message for each host that could not be probed. */
  readonly failures: readonly string[];
}

const answers = (
  probed: readonly Probed[],
  names: readonly string[],
  failures: readonly string[] = [],
): TargetFacts => ({
  takenAt: new Date().toISOString(),
  masked: false,
  hosts: probed.flatMap((host, index) =>
    host.ok ? [{ name: names[index] ?? host.target.name, facts: host.facts, target: host.target }] : [],
  ),
  failures: [...failures, ...probed.flatMap((host) => (host.ok ? [] : [host.message]))],
});

/** Facts from a file, or from the hosts that `target` names. Throws a CommandError for neither or both. */
export const readFacts = async (target: string | undefined, source: FactsSource): Promise<TargetFacts> => {
  if (source.from !== undefined) {
    if (target !== undefined)
      throw new CommandError("a target and --from FILE were both given; give one of them");
    const { takenAt, masked, hosts } = readDocument(source.from);
    return { takenAt, masked, hosts: hosts.map(({ name, facts }) => ({ name, facts })), failures: [] };
  }
  if (target === undefined)
    throw new CommandError("give a stack, an SSH target such as root@host, or --from FILE");
  // SSH and the stacks' schema are loaded only for a probe.
  const [{ probeHosts }, { shownNames, targetsOf }] = await Promise.all([
    import("./probe.ts"),
    import("./target.ts"),
  ]);
  const targets = await targetsOf(target, source);
  return answers(await probeHosts(targets), shownNames(targets));
};

/** Facts of the hosts of every stack. Throws a CommandError when there is no stack. */
export const readFactsEverywhere = async (): Promise<TargetFacts> => {
  const [{ probeHosts }, { everyTarget, shownNames }] = await Promise.all([
    import("./probe.ts"),
    import("./target.ts"),
  ]);
  const { targets, unread } = await everyTarget();
  return answers(
    await probeHosts(targets),
    shownNames(targets),
    unread.map(({ message }) => message),
  );
};
