import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { thisRunner } from "./components/agent/runner.ts";
import { formatProblems } from "./components/facts/problem.ts";
import { GpuHost } from "./components/gpu-host.ts";
import { lookAtHost } from "./components/host/look.ts";
import { runToken } from "./components/plan/run-token.ts";
import { resolveConnection } from "./components/ssh/connection.ts";
import { readStack } from "./stacks/read.ts";

/** Ends the program with one message and no stack trace: nothing has been declared, so nothing changes. */
const refuse = (messages: readonly string[]): never => {
  throw new pulumi.RunError(`\n${messages.join("\n\n")}\n`);
};

const stack = pulumi.getStack();
const config = new pulumi.Config();
const secrets = await new Promise<unknown>((resolve) => {
  (config.getSecretObject<unknown>("secrets") ?? pulumi.output({})).apply(resolve);
});
const read = readStack({
  hosts: config.requireObject<unknown>("hosts"),
  defaults: config.getObject<unknown>("defaults"),
  labels: config.getObject<unknown>("labels"),
  secrets,
});
const described = read.ok ? read.value : refuse([formatProblems(`stack ${stack}`, read.problems)]);

const looks = await Promise.all(
  Object.entries(described.hosts).map(([name, spec]) => {
    const path = `vfio-fleet:hosts.${name}.connection`;
    const connection = resolveConnection(path, spec.connection, described.secrets[name]);
    return lookAtHost({ stack, name, spec, connection });
  }),
);
const objections = looks.flatMap((look) => (look.ok ? [] : [look.message]));
if (objections.length > 0) refuse(objections);

const runner = thisRunner(stack);
const commands = new command.Provider("commands");

/** Per host: what it showed after its last reboot, the versions of libvirt and QEMU, and its domains: state, pending changes, screen. */
export const hosts = Object.fromEntries(
  looks.flatMap((look) => {
    if (!look.ok) return [];
    const { name, connection, facts, verdict } = look;
    const context = { name, connection, facts, run: runToken(runner, verdict.due) };
    const host = new GpuHost(context, verdict.plan, commands);
    return [[name, { proof: host.proof, libvirt: host.libvirt, domains: host.domains }]];
  }),
);
