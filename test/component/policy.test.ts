import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { GpuHost } from "../../components/gpu-host.ts";
import { judgeHost } from "../../components/host/judge.ts";
import type { HostSpec } from "../../components/host/host-spec.ts";
import type { Facts } from "../../components/facts/facts.ts";
import type { Connection } from "../../components/ssh/connection.ts";
import {
  bootDisplayKept,
  hostKeysPinned,
  noPlainSecrets,
  noSharedRunningCard,
  noTriggers,
  type Declared,
  type Violation,
} from "../../policy/checks.ts";
import { readStack } from "../../stacks/read.ts";
import { device, xeonFacts } from "../fixtures/xeon.ts";

const connection: Connection = {
  host: "192.0.2.10",
  port: 22,
  user: "op",
  hostKey: "ssh-ed25519 AAAA",
  auth: {
    kind: "key",
    path: "~/.ssh/id_ed25519",
    privateKey: "the private key",
    passphrase: "the passphrase",
  },
  sudoPassword: "the sudo password",
};

const made: Declared[] = [];
beforeAll(async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs, id }) => {
      const props = opened(inputs) as Record<string, unknown>;
      made.push({ type, name, props });
      // libvirt returns the stored definition; the line of the password comes before it.
      const stdout = name.includes(":domain ") ? String(props["stdin"]).replace(/^.*\n/, "") : "";
      return { id: id ?? name, state: { ...(inputs as object), stdout } };
    },
    call: () => ({}),
  });
});

/** Mocks wrap secrets; the engine unwraps them for policies. */
const opened = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries.some(([key]) => key === "4dabf18193072939515e22adb298388d") && "value" in value)
    return opened(value.value);
  return Object.fromEntries(entries.map(([key, one]) => [key, opened(one)]));
};

const stacks = readdirSync("stacks").flatMap((file) => /^Pulumi\.(?!test-)(.+)\.yaml$/.exec(file)?.[1] ?? []);
const hostsOf = (stack: string): [string, HostSpec][] => {
  const { config } = parse(readFileSync(`stacks/Pulumi.${stack}.yaml`, "utf8")) as {
    config: Record<string, unknown>;
  };
  const read = readStack({ hosts: config["vfio-fleet:hosts"] });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return Object.entries(read.value.hosts);
};
/** Facts of a host with the cards of the description. */
const factsFor = (spec: HostSpec): Facts => {
  const base = xeonFacts({ privilege: "sudo-password" });
  const cards = Object.values(spec.cards).flatMap(({ address, ids }, card) =>
    ids.map((id, part) =>
      device(address.replace(/\d$/, String(part)), id, part === 0 ? "030000" : "040300", 60 + card),
    ),
  );
  return {
    ...base,
    pci: [...base.pci.filter((one) => cards.every(({ address }) => address !== one.address)), ...cards],
  };
};

const declared = async (stack: string): Promise<Declared[]> => {
  made.length = 0;
  for (const [name, spec] of hostsOf(stack)) {
    const facts = factsFor(spec);
    const verdict = judgeHost({ stack, name, spec, facts });
    if (verdict.kind !== "planned") throw new Error(JSON.stringify(verdict.problems));
    const context = { name, connection, facts, run: "now,op@desk,1,s,1" };
    const host = new GpuHost(context, verdict.plan, new command.Provider("commands"));
    await new Promise<void>((resolve) => {
      pulumi.all([host.proof, host.libvirt, host.domains, host.urn]).apply(() => resolve());
    });
  }
  return [...made];
};
const judge = (resources: readonly Declared[]): Violation[] => [
  ...resources.flatMap((one) =>
    [hostKeysPinned, noTriggers, noPlainSecrets, bootDisplayKept].flatMap((check) => check(one)),
  ),
  ...noSharedRunningCard(resources),
];

test.each(stacks)("stack %s passes every policy", async (stack) => {
  const resources = await declared(stack);
  expect(resources.filter(({ type }) => type === "command:remote:Command").length).toBeGreaterThan(10);
  expect(judge(resources)).toEqual([]);
});

describe("a violation", () => {
  const changed = (one: Declared, props: Record<string, unknown>): Violation[] =>
    judge([{ ...one, props: { ...one.props, ...props } }]);
  test("is found in a command", async () => {
    const resources = await declared("xeon");
    const command = resources.find(({ name }) => name === "xeon:boot");
    if (!command) throw new Error("there is no xeon:boot");
    const link = command.props["connection"] as Record<string, unknown>;
    const { hostKey: _, ...unpinned } = link;
    const said = (props: Record<string, unknown>): string =>
      changed(command, props)
        .map(({ message }) => message)
        .join("; ");
    expect(said({})).toBe("");
    expect(said({ connection: unpinned })).toContain("192.0.2.10 is not pinned");
    expect(said({ connection: { ...link, proxy: { host: "bastion" } } })).toContain("bastion is not pinned");
    expect(said({ triggers: [1] })).toContain("has triggers");
    expect(said({ create: "echo 'the passphrase'" })).toContain("in an input that is no secret");
    expect(said({ environment: { KEY: "the private key" } })).toContain("in an input that is no secret");
    expect(said({ delete: "echo 'the sudo password' | sudo -S true" })).toContain(
      "in an input that is no secret",
    );
    const screen = (attribute: string): string =>
      `the sudo password\n<domain><devices><graphics type="vnc"\n${attribute}/></devices></domain>\n`;
    expect(said({ stdin: screen("") })).toBe("");
    expect(said({ stdin: screen("passwd='x'") })).toContain("a screen with a password");
    expect(said({ stdin: screen("passwd='x'>") })).toContain("a definition that cannot be read");
  });

  test("is found in resources of libvirt's provider and in a host", () => {
    const provider = (uri: string): Violation[] =>
      judge([{ type: "pulumi:providers:libvirt", name: "h", props: { uri } }]);
    expect(provider("qemu+ssh://op@h:22/system?knownhosts=x&sshauth=agent")).toEqual([]);
    expect(provider("qemu+ssh://op@h:22/system?sshauth=agent")).toHaveLength(1);
    expect(provider("qemu+ssh://op@h:22/system?knownhosts=x&no_verify=1")).toHaveLength(1);
    const host = (props: Record<string, unknown>): Violation[] =>
      judge([{ type: "vfio-fleet:index:GpuHost", name: "h", props }]);
    expect(host({ headless: false, bootDisplays: [] })).toEqual([]);
    expect(host({ headless: true, bootDisplays: ["0000:03:00.0"] })).toEqual([]);
    expect(host({ headless: false, bootDisplays: ["0000:03:00.0"] })).toHaveLength(1);
  });

  test("is found between two running domains", async () => {
    const resources = await declared("lab-xeon");
    const twin = resources
      .filter(({ name }) => /:(run|domain) win10$/.test(name))
      .map((one) => ({ ...one, name: one.name.replace("win10", "twin") }));
    expect(twin).toHaveLength(2);
    expect(judge([...resources, ...twin]).map(({ message }) => message)).toEqual([
      "runs with 0000:01:00.0 of lab-xeon, which win10 runs with as well",
      "runs with 0000:01:00.1 of lab-xeon, which win10 runs with as well",
    ]);
    expect(judge([...resources, ...twin.filter(({ name }) => name.includes(":domain"))])).toEqual([]);
  });
});

test("the pack starts as Pulumi starts it, and serves", async () => {
  const pack = spawn(process.execPath, [
    "node_modules/@pulumi/pulumi/cmd/run-policy-pack",
    "127.0.0.1:1",
    `${process.cwd()}/policy`,
  ]);
  try {
    const [port] = (await once(pack.stdout, "data")) as [Buffer];
    expect(Number(port.toString())).toBeGreaterThan(1023);
  } finally {
    pack.kill();
  }
});
