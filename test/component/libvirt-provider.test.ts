import { rmSync } from "node:fs";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GpuHost } from "../../components/gpu-host.ts";
import { hostSchema } from "../../components/host/host-spec.ts";
import { judgeHost } from "../../components/host/judge.ts";
import { xeonFacts } from "../fixtures/xeon.ts";

/** The inputs of libvirt's provider by host, as a preview registers them. */
const providers = new Map<string, Record<string, unknown>>();

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, id }) => {
        if (type === "pulumi:providers:libvirt") providers.set(name, inputs as Record<string, unknown>);
        return { id: id ?? name, state: inputs as object };
      },
      call: () => ({}),
    },
    "vfio-fleet",
    "rack",
    true,
  );
});

// the plugin's file of host keys
afterAll(() => rmSync(".vfio-fleet/answers.known_hosts"));

const addressOf = async (name: string, user: string, socket: boolean): Promise<unknown> => {
  const spec = hostSchema.parse({
    connection: { host: "192.0.2.10" },
    cards: { gtx1050: { address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"] } },
    storage: { pools: { default: { path: "/var/lib/libvirt/images" } } },
  });
  const facts = xeonFacts({ user, libvirt: { socket, domains: [] } });
  const verdict = judgeHost({ stack: "rack", name, spec, facts });
  if (verdict.kind !== "planned") throw new Error(JSON.stringify(verdict.problems));
  expect(verdict.plan.libvirt.some(({ inPlace }) => !inPlace)).toBe(true);
  const connection = {
    host: "192.0.2.10",
    port: 22,
    user,
    auth: { kind: "agent" as const, socket: "/run/agent" },
  };
  const commands = new command.Provider(`commands of ${name}`);
  void new GpuHost({ name, connection, facts, run: "now,op@desk,1,rack,1" }, verdict.plan, commands);
  await expect.poll(() => providers.has(name)).toBe(true);
  return providers.get(name)?.["uri"];
};

test("a preview knows libvirt's address while steps of libvirt are due, where it answers root already", async () => {
  expect(await addressOf("answers", "root", true)).toMatch(/^qemu\+ssh:\/\/root@192\.0\.2\.10:22\/system/);
});

test("a preview does not connect to a libvirt that the up is yet to start, or to prepare for the login", async () => {
  expect(await addressOf("silent", "root", false)).toBe(pulumi.unknown);
  expect(await addressOf("prepared", "op", true)).toBe(pulumi.unknown);
});
