import * as pulumi from "@pulumi/pulumi";
import type { Providers } from "./components/providers.ts";
import { askedHosts } from "./stacks/asked.ts";

const config = new pulumi.Config();
const secrets = await new Promise<unknown>((resolve) => {
  (config.getSecretObject<unknown>("secrets") ?? pulumi.output({})).apply(resolve);
});
const raw = {
  hosts: config.requireObject<unknown>("hosts"),
  defaults: config.getObject<unknown>("defaults"),
  labels: config.getObject<unknown>("labels"),
  secrets,
};

// loaded already, for what the hosts were asked
const [{ formatProblems }, { dueSteps, planHost }, { readStack }] = await Promise.all([
  import("./components/facts/problem.ts"),
  import("./components/host/plan-host.ts"),
  import("./stacks/read.ts"),
]);

/** Ends the program with one message and no stack trace: nothing has been declared, so nothing changes. */
const refuse = (messages: readonly string[]): never => {
  throw new pulumi.RunError(`\n${messages.join("\n\n")}\n`);
};

/** Everything of one kind that went wrong over all hosts, or everything that went well. */
const allOrRefuse = <T>(results: readonly ({ readonly value: T } | { readonly message: string })[]): T[] => {
  const messages = results.flatMap((result) => ("message" in result ? [result.message] : []));
  return messages.length > 0
    ? refuse(messages)
    : results.flatMap((result) => ("value" in result ? [result.value] : []));
};

const stack = readStack(raw);
if (!stack.ok) refuse([formatProblems(`stack ${pulumi.getStack()}`, stack.problems)]);
const described = stack.ok ? Object.entries(stack.value.hosts) : [];

const reached = allOrRefuse(
  await Promise.all(
    described.map(async ([name, spec]) => {
      const answer = askedHosts.get(name);
      if (answer) return { value: { name, spec, ...answer } };
      const { resolveConnection } = await import("./components/ssh/connection.ts");
      const path = `vfio-fleet:hosts.${name}.connection`;
      const connection = resolveConnection(path, spec.connection, stack.ok ? stack.value.secrets[name] : {});
      return { message: formatProblems(name, connection.ok ? [] : connection.problems) };
    }),
  ),
);

const providers = import("./components/providers.ts");
let commands: Providers["commands"] | undefined;
const answers = reached.map(async ({ name, spec, connection, facts, libvirt }) => {
  const early = async (): Promise<Providers["libvirt"]> => {
    if (!(await libvirt) || Object.keys(spec.storage.pools).length === 0) return undefined;
    const { commandProvider, earlyLibvirt } = await providers;
    const connecting = earlyLibvirt(name, connection);
    if (connecting) commands ??= commandProvider();
    return connecting;
  };
  try {
    const [shown, connecting] = await Promise.all([facts, early()]);
    return { value: { name, spec, connection, facts: shown, early: connecting } };
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) };
  }
});

// while they answer
const [
  { readCardRoms },
  { lockProblem },
  { runToken },
  { GpuHost },
  { isAlive, thisRunner },
  { commandProvider },
] = await Promise.all([
  import("./components/host/card-roms.ts"),
  import("./components/plan/lock.ts"),
  import("./components/plan/run-token.ts"),
  import("./components/gpu-host.ts"),
  import("./components/agent/runner.ts"),
  providers,
]);
const asked = allOrRefuse(await Promise.all(answers));

const runner = thisRunner(pulumi.getStack());

const planned = allOrRefuse(
  asked.map((host) => {
    // what a host shows in the middle of another run's work says nothing
    const locked = lockProblem(host.facts.lock, runner, isAlive);
    if (locked) return { message: formatProblems(host.name, [locked]) };
    const where = {
      stack: pulumi.getStack(),
      host: host.name,
      mayReboot: process.env["VFIO_FLEET_REBOOT"] === "yes",
    };
    const plan = planHost(host.spec, host.facts, where, readCardRoms(host.spec.cards));
    return plan.ok
      ? { value: { ...host, plan: plan.value } }
      : { message: formatProblems(host.name, plan.problems) };
  }),
);

const program = commands ?? commandProvider();

/** Per host: what it showed after its last reboot, the versions of libvirt and QEMU, and its domains: state, pending changes, screen. */
export const hosts = Object.fromEntries(
  planned.map(({ name, connection, facts, plan, early }) => {
    const run = runToken(runner, dueSteps(plan, facts).length);
    const context = { name, connection, facts, drivers: plan.drivers, run };
    const host = new GpuHost(context, plan, { commands: program, ...(early && { libvirt: early }) });
    return [name, { proof: host.proof, libvirt: host.libvirt, domains: host.domains }];
  }),
);
