import * as pulumi from "@pulumi/pulumi";
import { readCardRoms } from "./components/card-roms.ts";
import type { Facts } from "./components/core/facts.ts";
import { formatProblems } from "./components/core/problem.ts";
import { GpuHost } from "./components/gpu-host.ts";
import { planHost, probeQuestion } from "./components/host-plan.ts";
import { resolveConnection } from "./components/remote/connection.ts";
import { AGENT } from "./components/remote/host-command.ts";
import { probeHost } from "./components/remote/probe.ts";
import { readStack } from "./stacks/read.ts";

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

const config = new pulumi.Config();
const secrets = await new Promise<unknown>((resolve) => {
  (config.getSecretObject<unknown>("secrets") ?? pulumi.output({})).apply(resolve);
});
const stack = readStack({ hosts: config.requireObject("hosts"), secrets });
if (!stack.ok) refuse([formatProblems(`stack ${pulumi.getStack()}`, stack.problems)]);
const described = stack.ok ? Object.entries(stack.value.hosts) : [];

const reached = allOrRefuse(
  described.map(([name, spec]) => {
    const connection = resolveConnection(
      `vfio-fleet:hosts.${name}.connection`,
      spec.connection,
      stack.ok ? stack.value.secrets[name] : {},
    );
    return connection.ok
      ? { value: { name, spec, connection: connection.value } }
      : { message: formatProblems(name, connection.problems) };
  }),
);

const asked = allOrRefuse(
  await Promise.all(
    reached.map(async (host): Promise<{ value: typeof host & { facts: Facts } } | { message: string }> => {
      try {
        return {
          value: { ...host, facts: await probeHost(host.connection, probeQuestion(host.spec, AGENT)) },
        };
      } catch (error) {
        return { message: error instanceof Error ? error.message : String(error) };
      }
    }),
  ),
);

const planned = allOrRefuse(
  asked.map((host) => {
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

const now = new Date();

/** Per host: what it showed after its last reboot, the versions of libvirt and QEMU, and its domains with their screens. */
export const hosts = Object.fromEntries(
  planned.map(({ name, connection, facts, plan }) => {
    const host = new GpuHost({ name, connection, facts, drivers: plan.drivers, now }, plan);
    return [name, { proof: host.proof, libvirt: host.libvirt, domains: host.domains }];
  }),
);
