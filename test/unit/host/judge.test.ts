import { describe, expect, test } from "vitest";
import { AGENT } from "../../../components/facts/programs.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import type { Lock } from "../../../components/facts/lock.ts";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { judgeHost, type HostVerdict, type PlannedHost } from "../../../components/host/judge.ts";
import { lookAtHost } from "../../../components/host/look.ts";
import { AGENT_KEY, receiptName } from "../../../components/plan/step.ts";
import type { Connection } from "../../../components/ssh/connection.ts";
import { HostError } from "../../../components/ssh/host-error.ts";
import { hostState } from "../../../fleet/stack/clean/settled.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

const spec = hostSchema.parse({
  connection: { host: "192.0.2.10" },
  cards: { gtx1050: { address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"], rom: { dump: true } } },
  storage: { pools: { default: { path: "/var/lib/libvirt/images" } } },
  domains: Object.fromEntries(
    ["running", "stopped"].map((state) => [
      state,
      { profile: "reference", memory: "4 GiB", disks: [], gpus: ["gtx1050"], state },
    ]),
  ),
});
const judged = (facts: Partial<Facts> = {}): HostVerdict =>
  judgeHost({ stack: "rack", name: "xeon", spec, facts: xeonFacts(facts) });
const planned = (facts: Partial<Facts> = {}): PlannedHost => {
  const verdict = judged(facts);
  if (verdict.kind !== "planned") throw new Error(JSON.stringify(verdict.problems));
  return verdict;
};

const lock: Lock = {
  owner: "ann@laptop",
  stack: "rack",
  process: "4711",
  peer: "198.51.100.1",
  samePeer: false,
  since: "2026-01-02T03:00:00Z",
  step: "packages",
  atWork: true,
  endsIn: 300,
};

describe("the steps of a host", () => {
  const { plan, due, drift } = planned();
  const keys = plan.steps.map(({ key }) => key);

  test("come one after the other: the agent, libvirt, the boot files, ROMs, what stops, what starts", () => {
    const order = [
      AGENT_KEY,
      "packages",
      "libvirtd",
      "/etc/modprobe.d/vfio.conf",
      "boot",
      "reboot",
      "prove",
      "/usr/share/qemu/vfio-fleet/gtx1050.dump.rom",
      "domain stopped",
      "run stopped",
      "domain running",
      "run running",
    ];
    expect(keys.filter((key) => order.includes(key))).toEqual(order);
  });

  test("are each there once, and each after those that it needs", () => {
    expect(new Set(keys).size).toBe(keys.length);
    for (const [index, { key, after }] of plan.steps.entries())
      for (const needed of after)
        expect(keys.slice(0, index), `${key} comes after ${needed}`).toContain(needed);
  });

  test("are all of its parts' steps", () => {
    const parts = [
      plan.agent,
      ...plan.libvirt,
      ...plan.kernel.steps,
      ...plan.roms.steps,
      ...plan.domains.flatMap(({ steps }) => steps),
    ];
    expect(plan.steps).toEqual(parts);
  });

  test("are due until the host shows the effect and has the receipt", () => {
    expect(due).toEqual(plan.steps);
    expect(drift).toEqual([]);
    const agent = (content: string, mode = "755"): Partial<Facts> => ({
      files: { [AGENT]: { mode, owner: "root", group: "root", content, sha256: "" } },
      receipts: { [receiptName(AGENT_KEY)]: { token: "t", notes: {} } },
    });
    const text = plan.agent.input ?? "";
    const isDue = (facts: Partial<Facts>): boolean => planned(facts).due.some(({ key }) => key === AGENT_KEY);
    expect(receiptName(AGENT_KEY)).toBe("agent");
    expect(isDue(agent(text))).toBe(false);
    expect(isDue(agent(`${text}#`))).toBe(true);
    expect(isDue(agent(text, "700"))).toBe(true);
    expect(isDue({ ...agent(text), receipts: {} })).toBe(true);
  });
});

test("a host that another run works on is locked, whatever it shows", () => {
  expect(judged({ lock, privilege: "none" })).toMatchObject({
    kind: "locked",
    problems: [{ path: "locked", problem: expect.stringContaining("ann@laptop") }],
  });
});

test("a host that cannot be planned is refused, with every problem", () => {
  const verdict = judged({ kernel: "3.16.0-4-amd64", pci: [] });
  if (verdict.kind !== "refused") throw new Error(verdict.kind);
  const paths = verdict.problems.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(["kernel", expect.stringMatching(/^cards\.gtx1050/)]));
});

describe("a look", () => {
  const connection: Connection = {
    host: "192.0.2.10",
    port: 22,
    user: "root",
    auth: { kind: "agent", socket: "/run/agent" },
  };
  const host = { stack: "rack", name: "xeon", spec, connection: { ok: true as const, value: connection } };
  const answers = (facts: Partial<Facts>) => () => Promise.resolve(xeonFacts(facts));

  test("finds the host with its verdict, which says how far it is", async () => {
    const look = await lookAtHost(host, answers({}));
    if (!look.ok) throw new Error(look.message);
    const state = hostState(look);
    expect(state).toMatchObject({ kind: "open", drift: [] });
    expect(state.kind === "open" && state.steps).toEqual(planned().plan.steps.map(({ key }) => key));
  });

  test("says why there is nothing to declare: not reached, not asked, locked, refused", async () => {
    const problem = { path: "hosts.xeon.connection", problem: "no key", remedy: "name one" };
    const nobody = (): Promise<Facts> => Promise.reject(new Error("asked after all"));
    expect(await lookAtHost({ ...host, connection: { ok: false, problems: [problem] } }, nobody)).toEqual({
      ok: false,
      name: "xeon",
      message: expect.stringContaining("hosts.xeon.connection: no key"),
    });
    const silent = (): Promise<Facts> => Promise.reject(new HostError("root@x", "no answer", "log in"));
    expect(await lookAtHost(host, silent)).toMatchObject({
      ok: false,
      message: expect.stringMatching(/root@x.*no answer/s),
    });
    expect(await lookAtHost(host, answers({ lock }))).toMatchObject({ ok: false, locked: true });
    const refused = await lookAtHost(host, answers({ privilege: "none" }));
    expect(refused).toMatchObject({ ok: false, message: expect.stringContaining("neither root nor") });
    expect(refused).not.toHaveProperty("locked");
  });
});
