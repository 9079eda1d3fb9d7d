import { remote, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { createTwoFilesPatch } from "diff";
import { AGENT, AGENT_FOLDER } from "./facts/programs.ts";
import type { Facts } from "./facts/facts.ts";
import { printableLines, shortened } from "./facts/printable.ts";
import { keyWord, lengthOf, tokenFor, type Drift, type Step } from "./plan/step.ts";
import type { Connection, Hop } from "./ssh/connection.ts";
import { commandLine, quote } from "./ssh/quote.ts";

const hopArgs = (hop: Hop) => ({
  host: hop.host,
  port: hop.port,
  user: hop.user,
  ...(hop.hostKey !== undefined && { hostKey: hop.hostKey }),
  ...(hop.auth.kind === "key"
    ? {
        privateKey: hop.auth.privateKey,
        ...(hop.auth.passphrase !== undefined && { privateKeyPassword: hop.auth.passphrase }),
      }
    : { agentSocketPath: hop.auth.socket }),
});

/** The plugin's connection, field by field: an unknown field would print the private key (pulumi-command#773). */
const connectionArgs = (connection: Connection, patient: boolean): types.input.remote.ConnectionArgs => ({
  ...hopArgs(connection),
  ...(connection.proxy && { proxy: hopArgs(connection.proxy) }),
  perDialTimeout: 15,
  // a host that reboots is dialled until customTimeouts ends it
  dialErrorLimit: patient ? -1 : 10,
});

/** A diff of more than that takes long and helps nobody. */
const DIFF_LIMIT = 200_000;

const describeDrift = (drift: Drift): string => {
  if (drift.kind === "state")
    return `the host differs: ${shortened(drift.found, 4000)} (wanted: ${shortened(drift.wanted, 4000)})`;
  if (drift.found === undefined) return `the host differs: ${drift.path} is gone`;
  if (drift.found.length > DIFF_LIMIT)
    return `the host differs: ${drift.path} has ${drift.found.length} characters there, ${drift.wanted.length} are wanted`;
  const patch = createTwoFilesPatch(
    "on the host",
    "wanted",
    drift.found,
    drift.wanted,
    undefined,
    undefined,
    { context: 2 },
  );
  return `the host differs: ${drift.path}\n${patch.split("\n").slice(1).join("\n")}`;
};

/** What differs on the host, for a person: the host's own words in it are harmless on a terminal. */
export const explainDrift = (drift: Drift): string => printableLines(describeDrift(drift));

/** What the stack has come to want, for a person. */
const explainWish = (wanted: string): string =>
  printableLines(`the stack now wants: ${shortened(wanted, 4000)}`);

/** A host as resources see it: how to reach it, what it answered, who owns the resources. */
export interface HostContext {
  readonly name: string;
  readonly connection: Connection;
  readonly facts: Facts;
  /** the token of steps that this run takes; see tokenFor */
  readonly run: string;
}

const elevation = (facts: Facts): readonly string[] =>
  facts.privilege === "root"
    ? []
    : facts.privilege === "sudo-password"
      ? ["sudo", "-k", "-S", "-p", ""]
      : ["sudo", "-n"];

const withPassword = (
  host: HostContext,
  input: pulumi.Input<string> | undefined,
): pulumi.Input<string> | undefined =>
  host.facts.privilege === "sudo-password"
    ? pulumi.secret(
        pulumi.output(input ?? "").apply((text) => `${host.connection.sudoPassword ?? ""}\n${text}`),
      )
    : input;

const timeouts = (minutes: number | undefined): pulumi.CustomTimeouts =>
  minutes === undefined ? {} : { create: `${minutes}m`, update: `${minutes}m`, delete: `${minutes}m` };

const command = (
  host: HostContext,
  name: string,
  args: {
    create: readonly string[];
    undo?: readonly string[] | undefined;
    input?: pulumi.Input<string> | undefined;
    patient?: boolean | undefined;
    quiet?: boolean | undefined;
    binary?: boolean | undefined;
    minutes?: number | undefined;
  },
  options: pulumi.CustomResourceOptions,
): remote.Command => {
  const prefix = elevation(host.facts);
  const stdin = withPassword(host, args.input);
  return new remote.Command(
    `${host.name}:${name}`,
    {
      connection: connectionArgs(host.connection, args.patient === true),
      create: commandLine([...prefix, ...args.create]),
      ...(args.undo && { delete: commandLine([...prefix, ...args.undo]) }),
      ...(stdin !== undefined && { stdin }),
      addPreviousOutputInEnv: false,
      ...(args.quiet && { logging: "stderr" as const }),
    },
    {
      ...options,
      customTimeouts: timeouts(args.minutes),
      ...(args.binary && { additionalSecretOutputs: ["stdout"] }),
    },
  );
};

/**
 * The agent on the host: the first thing that comes and the last that goes. Its removal builds the boot files from
 * what the undone steps put back, and reboots by policy.
 * @param step see agentStep
 */
export const hostAgent = (host: HostContext, step: Step, parent: pulumi.Resource): remote.Command => {
  const token = tokenFor(host.facts, step, host.run);
  const install =
    // the agent that is there says whether another run is at work; one from before the lock does not know
    `umask 022; ! grep -qs ^verb_admit ${AGENT} || ${AGENT} admit token=${quote(token)} </dev/null || exit; mkdir -p ${AGENT_FOLDER} /var/lib/vfio-fleet/receipts && cat >${AGENT_FOLDER}/.host.new && ` +
    // a connection that was cut off in the middle must not leave half an agent
    `tail -n 1 ${AGENT_FOLDER}/.host.new | grep -qx '# whole' && chmod 755 ${AGENT_FOLDER}/.host.new && sync ${AGENT_FOLDER}/.host.new && mv -f ${AGENT_FOLDER}/.host.new ${AGENT} && ` +
    `echo token=${quote(token)} >/var/lib/vfio-fleet/receipts/agent`;
  return command(
    host,
    step.key,
    {
      create:
        host.facts.privilege === "sudo-agent"
          ? [AGENT, step.verb, `token=${token}`, lengthOf(step.input ?? "")]
          : ["sh", "-c", install],
      undo: step.undo && [AGENT, ...step.undo],
      input: step.input,
      minutes: step.minutes,
    },
    { parent },
  );
};

/** What a step reads: not before the gate is open, and unseen when it is no text. */
const inputOf = (step: Step, gate: pulumi.Output<unknown> | undefined): pulumi.Input<string> | undefined => {
  const { input } = step;
  if (input === undefined) return undefined;
  if (step.binary) return pulumi.secret(input);
  // a preview has nothing to wait for, and would not know the input until it has
  return gate && !pulumi.runtime.isDryRun() ? gate.apply(() => input) : input;
};

/**
 * One resource a step, each after those it names; all after the agent.
 * @param gate what has to come out well before any step with an input is taken
 * @returns the resources by their steps' keys
 */
export const hostCommands = (
  host: HostContext,
  steps: readonly Step[],
  parent: pulumi.Resource,
  dependsOn: readonly pulumi.Resource[],
  gate?: pulumi.Output<unknown>,
): ReadonlyMap<string, remote.Command> => {
  const made = new Map<string, remote.Command>();
  for (const step of steps) {
    const token = tokenFor(host.facts, step, host.run);
    const resource = command(
      host,
      step.key,
      {
        create: [
          AGENT,
          step.verb,
          ...step.args,
          keyWord(step),
          `token=${token}`,
          ...(step.input === undefined ? [] : [lengthOf(step.input)]),
        ],
        undo: step.undo && [AGENT, ...step.undo],
        input: inputOf(step, gate),
        patient: step.patient,
        quiet: step.quiet,
        binary: step.binary,
        minutes: step.minutes,
      },
      { parent, dependsOn: [...dependsOn, ...step.after.flatMap((key) => made.get(key) ?? [])] },
    );
    // Pulumi sends what is logged in order, after the resource's URN: one that never comes, as behind a gate that stays
    // shut, would keep every later message back, the error that shut it among them
    const { drift, nowWanted } = step;
    if (drift) void resource.urn.apply(() => pulumi.log.warn(explainDrift(drift), resource));
    if (nowWanted !== undefined)
      void resource.urn.apply(() => pulumi.log.info(explainWish(nowWanted), resource));
    made.set(step.key, resource);
  }
  return made;
};
