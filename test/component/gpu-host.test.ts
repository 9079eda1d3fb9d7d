import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, expect, test } from "vitest";
import type { Facts } from "../../components/facts/facts.ts";
import { GpuHost } from "../../components/gpu-host.ts";
import { judgeHost } from "../../components/host/judge.ts";
import { hostSchema } from "../../components/host/host-spec.ts";
import { runToken } from "../../components/plan/run-token.ts";
import type { Connection } from "../../components/ssh/connection.ts";
import { AGENT } from "../../components/facts/programs.ts";
import { xeonFacts } from "../fixtures/xeon.ts";

interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}
const made: Made[] = [];
/** The output of the agent's verb for a definition. */
let stored = (xml: string): string => xml;

const connection: Connection = {
  host: "192.0.2.10",
  port: 22,
  user: "op",
  hostKey: "ssh-ed25519 AAAA",
  auth: { kind: "key", path: "~/.ssh/id_ed25519", privateKey: "the private key" },
  sudoPassword: "the sudo password",
};

const makeHost = (found: Partial<Facts>, more: object = {}): GpuHost => {
  made.length = 0;
  const spec = hostSchema.parse({
    connection: { host: "192.0.2.10" },
    cards: { gtx1050: { address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"] } },
    ...more,
  });
  const facts = xeonFacts(found);
  const verdict = judgeHost({ stack: "test", name: "xeon", spec, facts });
  if (verdict.kind !== "planned") throw new Error(JSON.stringify(verdict.problems));
  const run = runToken(
    {
      moment: new Date("2026-01-02T03:04:05Z"),
      user: "op",
      machine: "desk",
      process: 4711,
      stack: "test",
    },
    verdict.due,
  );
  const commands = new command.Provider("commands");
  return new GpuHost({ name: "xeon", connection, facts, run }, verdict.plan, commands);
};

/** Declares one host and waits until every resource is registered. */
const declare = async (privilege: Facts["privilege"]): Promise<Made[]> => {
  const host = makeHost({ privilege });
  const outputs = pulumi.all([host.proof, host.libvirt, host.urn]);
  await new Promise<void>((resolve) => {
    outputs.apply(() => resolve());
  });
  return made;
};

const named = (name: string): Made => {
  const found = made.find((one) => one.name === name);
  if (!found) throw new Error(`no ${name} among ${made.map((one) => one.name).join(", ")}`);
  return found;
};
/** The token of the agent's installation. */
const token = (): string =>
  /token=(\S+) >\/var/.exec(String(named("xeon:host agent").inputs["create"]))?.[1] ?? "none";
/** A value of the mocks, which wrap secrets: the inner value, and whether it was wrapped. */
const opened = (value: unknown): { secret: boolean; value: unknown } =>
  typeof value === "object" && value !== null && "value" in value
    ? { secret: true, value: value.value }
    : { secret: false, value };

beforeAll(async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs, id }) => {
      made.push({ type, name, inputs: inputs as Record<string, unknown> });
      // libvirt returns the stored definition.
      const stdout = /host domain /.test(String(inputs["create"])) ? stored(String(inputs["stdin"])) : "";
      return { id: id ?? name, state: { ...(inputs as object), stdout } };
    },
    call: () => ({}),
  });
});

test("resources are named after what they change", async () => {
  await declare("root");
  expect(made.map((one) => one.name)).toEqual(
    expect.arrayContaining([
      "xeon:host agent",
      "xeon:packages",
      "xeon:/etc/libvirt/qemu.conf",
      "xeon:libvirtd",
      "xeon:/etc/modprobe.d/vfio.conf",
      "xeon:/etc/default/grub.d/90-vfio-fleet.cfg",
      "xeon:boot",
      "xeon:reboot",
      "xeon:prove",
    ]),
  );
});

test("all steps of a run have one token, which holds the number of steps that call the agent", async () => {
  await declare("root");
  const called = made.filter(
    ({ inputs }) =>
      String(inputs["create"]).startsWith(`${AGENT} `) &&
      String(inputs["create"])
        .replace(/ bytes=\d+$/, "")
        .endsWith(` token=${token()}`),
  );
  expect(called).toHaveLength(made.filter(({ type }) => type === "command:remote:Command").length - 1);
  expect(token()).toBe(`2026-01-02T03:04:05.000Z,op@desk,4711,test,${called.length}`);
});

test("every command pins the host key, has no triggers and uses nothing of the run before", async () => {
  await declare("root");
  const commands = made.filter((one) => one.type === "command:remote:Command");
  expect(commands.length).toBeGreaterThan(10);
  for (const command of commands) {
    expect(opened(command.inputs["connection"]).value).toMatchObject({ hostKey: "ssh-ed25519 AAAA" });
    expect(opened(command.inputs["connection"]).secret).toBe(true);
    expect(command.inputs).not.toHaveProperty("triggers");
    expect(command.inputs["addPreviousOutputInEnv"]).toBe(false);
  }
});

test("the agent writes a file, its content comes by stdin, and destroy restores the old file", async () => {
  await declare("root");
  const { inputs } = named("xeon:/etc/modprobe.d/vfio.conf");
  expect(inputs).toMatchObject({
    create: `${AGENT} file /etc/modprobe.d/vfio.conf 644 key=/etc/modprobe.d/vfio.conf token=${token()} bytes=${String(inputs["stdin"]).length}`,
    delete: `${AGENT} unfile /etc/modprobe.d/vfio.conf`,
    stdin: expect.stringContaining("options vfio-pci disable_vga=1"),
  });
});

test("a sudo that allows only the project's programs is asked for nothing else", async () => {
  await declare("sudo-agent");
  const agent = named("xeon:host agent").inputs;
  expect(agent).toMatchObject({
    create: expect.stringMatching(
      /^sudo -n \/usr\/local\/lib\/vfio-fleet\/host install token=\S+ bytes=\d+$/,
    ),
    stdin: expect.stringMatching(/^#!\/bin\/sh\n[^]*\n# whole\n$/),
  });
  for (const { inputs } of made.filter(({ type }) => type === "command:remote:Command"))
    for (const text of [inputs["create"], inputs["delete"]])
      expect(text ?? `sudo -n ${AGENT} `).toMatch(/^sudo -n \/usr\/local\/lib\/vfio-fleet\/host /);
});

test("with sudo every command uses it, undo as well", async () => {
  await declare("sudo");
  const { create, delete: undo } = named("xeon:/etc/modprobe.d/vfio.conf").inputs;
  expect([create, undo]).toEqual([
    expect.stringMatching(/^sudo -n \/usr\/local/),
    expect.stringMatching(/^sudo -n \/usr\/local/),
  ]);
});

test("a sudo password is sent by stdin only, as a secret", async () => {
  await declare("sudo-password");
  const inputs = named("xeon:/etc/modprobe.d/vfio.conf").inputs;
  expect(inputs["create"]).toMatch(/^sudo -k -S -p '' \/usr\/local/);
  expect(opened(inputs["stdin"])).toEqual({
    secret: true,
    value: expect.stringMatching(/^the sudo password\n# Written by/),
  });
  for (const one of made) {
    expect(String(one.inputs["create"])).not.toContain("the sudo password");
    expect([undefined, true]).toContain(one.inputs["stdin"] && opened(one.inputs["stdin"]).secret);
  }
});

test("a domain's outputs name pending changes of the running instance and the address of its screen", async () => {
  // The instance was started with less memory, and has another port than the first.
  stored = (xml) =>
    `${xml}<!-- running -->\n${xml.replace(">8388608<", ">4194304<").replace('port="-1"', "port='5901'").replace('<graphics type="vnc"', "<graphics type='vnc'")}`;
  const host = makeHost(
    {},
    {
      domains: { win: { profile: "reference", gpus: ["gtx1050"], disks: [], networks: [] } },
    },
  );
  const domains = await new Promise<unknown>((resolve) => {
    host.domains.apply(resolve);
  });
  expect(domains).toEqual({
    win: {
      state: "defined",
      pending: ["memory: 4194304 -> 8388608"],
      screen: [
        "ssh -N -L 5901:127.0.0.1:5901 op@192.0.2.10",
        "Then point a VNC viewer at 127.0.0.1:5901.",
        expect.stringMatching(/VNC picture goes dark once the card's driver starts/),
      ],
    },
  });
});
