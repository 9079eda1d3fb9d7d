import type { Facts } from "../../components/facts/facts.ts";
import { formatProblems } from "../../components/facts/problem.ts";
import { probeQuestion } from "../../components/host/host-question.ts";
import type { HostSpec } from "../../components/host/host-spec.ts";
import type { Connection } from "../../components/ssh/connection.ts";
import { probeHost } from "../../components/probe/probe-host.ts";
import { CommandError } from "../ground/command-error.ts";
import { stackNames } from "../stack/stack-file.ts";
import { stackTargets } from "../targets/target.ts";
import { printable } from "../ground/terminal.ts";

/** A host as its stack describes it, which can be asked. */
export interface FleetHost {
  readonly stack: string;
  readonly name: string;
  readonly spec: HostSpec;
  readonly connection: () => Connection;
}

/** The hosts of one stack, or of every stack that has a file. */
export const fleetHosts = async (stack: string | undefined): Promise<FleetHost[]> => {
  const known = stackNames();
  if (stack !== undefined && !known.includes(stack))
    throw new CommandError(`there is no stack "${printable(stack)}"; there are ${known.join(", ")}`);
  const targets = await Promise.all(
    (stack === undefined ? known : [stack]).map((name) => stackTargets(name)),
  );
  return targets.flat().flatMap(({ name, stack: from, spec, connection }): FleetHost[] =>
    from === undefined || !spec
      ? []
      : [
          {
            stack: from,
            name,
            spec,
            // how the others are reached matters to nobody
            connection: () => {
              if (connection.ok) return connection.value;
              throw new CommandError(formatProblems(name, connection.problems));
            },
          },
        ],
  );
};

/** HOST/NAME, or a name on whatever host has it. */
const meant = (text: string, host: FleetHost, names: readonly string[]): boolean =>
  names.some((name) => text === name || text === `${host.name}/${name}`);

const bare = (text: string): string => text.slice(text.indexOf("/") + 1);

/** Hosts with a domain of this name, or HOST/DOMAIN. */
export const hostsWithDomain = (hosts: readonly FleetHost[], text: string): FleetHost[] => {
  const found = hosts.filter((host) => meant(text, host, Object.keys(host.spec.domains)));
  if (found.length > 0) return found;
  const known = [...new Set(hosts.flatMap((host) => Object.keys(host.spec.domains)))];
  throw new CommandError(
    `no stack has a domain "${printable(text)}"; there are ${known.join(", ") || "none"}`,
  );
};

/** The same for a card. */
export const hostsWithCard = (hosts: readonly FleetHost[], text: string): FleetHost[] => {
  const found = hosts.filter((host) => meant(text, host, Object.keys(host.spec.cards)));
  if (found.length > 0) return found;
  const known = [...new Set(hosts.flatMap((host) => Object.keys(host.spec.cards)))];
  throw new CommandError(`no stack has a card "${printable(text)}"; there are ${known.join(", ") || "none"}`);
};

/** The one host that is meant. */
export const only = (found: readonly FleetHost[], what: string): FleetHost => {
  const [host, ...others] = found;
  if (host && others.length === 0) return host;
  throw new CommandError(
    `${printable(what)} is on several hosts: ${found.map(({ stack, name }) => (stack === name ? name : `${name} (stack ${stack})`)).join(", ")}. Write HOST/${printable(bare(what))}, or name the stack with --stack`,
  );
};

export const nameOf = bare;

export const askHost = (host: FleetHost): Promise<Facts> =>
  probeHost(host.connection(), probeQuestion(host.spec));
