import { functionsOf } from "../../components/facts/card.ts";
import { callAgent } from "../../components/agent/call-agent.ts";
import { HostError } from "../../components/ssh/host-error.ts";
import { CommandError } from "../ground/command-error.ts";
import { printable } from "../ground/terminal.ts";
import { chooseHost } from "./choose-host.ts";
import {
  askHost,
  fleetHosts,
  hostsWithCard,
  hostsWithDomain,
  nameOf,
  only,
  type FleetHost,
} from "./hosts.ts";

export interface ReleaseOptions {
  readonly stack?: string;
  /** seconds */
  readonly timeout?: number;
  readonly force?: true;
}

export interface HandOverOptions extends ReleaseOptions {
  readonly to: string;
}

/** Whichever guest has to go first: no domain of the host needs longer. */
const timeoutOf = ({ spec }: FleetHost, options: ReleaseOptions): string =>
  String(
    options.timeout ??
      Math.max(180, ...Object.values(spec.domains).map((domain) => domain.shutdownTimeoutSeconds)),
  );

const policyOf = ({ force }: ReleaseOptions): string => (force ? "power-off" : "keep");

/** A host that could not be asked is said like any other thing that a person can put right. */
const asked = async <T>(what: Promise<T>): Promise<T> => {
  try {
    return await what;
  } catch (error) {
    if (error instanceof HostError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
};

const call = async (host: FleetHost, words: readonly string[], input: string): Promise<number> => {
  let open = "";
  const answer = await asked(
    callAgent(host.connection(), words, input, (text) => {
      const lines = (open + text).split("\n");
      open = lines.pop() ?? "";
      for (const line of lines) console.log(`${printable(host.name)}: ${printable(line)}`);
    }),
  );
  if (answer.ok) return 0;
  console.error(`vfio-fleet: ${host.name}: ${answer.reason.split("\n").map(printable).join("\n  ")}`);
  return 1;
};

/**
 * `vfio-fleet gpu assign` and `gpu switch`: the exit status. Throws a CommandError when it is not clear what is meant or a
 * host cannot be asked.
 */
export const handOver = async (
  verb: "assign" | "switch",
  card: string,
  options: HandOverOptions,
): Promise<number> => {
  const hosts = hostsWithDomain(await fleetHosts(options.stack), options.to);
  const any = card === "any";
  if (any && verb === "switch")
    throw new CommandError(
      "switch takes a card from a domain: name the card. A free one is what assign any is for",
    );
  const found = any ? hosts : [only(hostsWithCard(hosts, card), card)];
  const answers = await Promise.all(found.map(async (host) => ({ host, facts: await asked(askHost(host)) })));
  const plan = chooseHost(answers, nameOf(options.to), any ? undefined : nameOf(card));
  if (!plan.ok) {
    console.error(`vfio-fleet: ${plan.message}`);
    return 1;
  }
  const { host, over } = plan;
  console.log(
    `${printable(host.name)}: ${printable(nameOf(options.to))} is to run with ${printable(over.cards.join(", "))}`,
  );
  return call(
    host,
    [
      "hand",
      nameOf(options.to),
      timeoutOf(host, options),
      policyOf(options),
      verb === "switch" ? "take" : "free",
      ...over.functions,
    ],
    over.definition ?? "",
  );
};

/** `vfio-fleet gpu release`: the exit status. Throws a CommandError as handOver does. */
export const releaseCard = async (card: string, options: ReleaseOptions): Promise<number> => {
  const host = only(hostsWithCard(await fleetHosts(options.stack), card), card);
  const facts = await asked(askHost(host));
  const found = host.spec.cards[nameOf(card)];
  const functions = found ? functionsOf(facts, found).map(({ address }) => address) : [];
  if (functions.length === 0)
    throw new CommandError(`${host.name}: there is no card at ${found?.address ?? "its address"}`);
  return call(host, ["unhand", timeoutOf(host, options), policyOf(options), ...functions], "");
};
