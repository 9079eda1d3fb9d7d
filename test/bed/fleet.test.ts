import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startBedFleet, type BedFleet } from "../support/bed/stacks.ts";
import { connectionTo, freePort, startSshd } from "../support/sshd.ts";
import { startSlowPort, startTalker } from "../support/tcp.ts";
import type { FleetEvent } from "../../fleet/rollout/state.ts";

/** Many stacks in parallel: real sshd, real engine, made-up hosts; no QEMU. */
let fleet: BedFleet;
beforeAll(async () => {
  fleet = await startBedFleet(5, "test-roll");
});
afterAll(() => fleet?.stop());

const reboots = (index: number): number =>
  Number(fleet.host(index).run("cat /var/log/reboots 2>/dev/null | wc -l"));
const stacks = (...indices: readonly number[]): string[] => indices.map((index) => fleet.names[index] ?? "");
const isPassthrough = (index: number): boolean =>
  fleet.host(index).run("readlink /sys/bus/pci/devices/0000:01:00.0/driver").endsWith("vfio-pci");
const stepOf =
  (stack: string, step: string) =>
  (event: FleetEvent): boolean =>
    event.type === "step" && event.stack === stack && event.step === step;

describe("hosts that cannot be probed, among others", () => {
  afterEach(() => {
    for (const index of [0, 1, 2, 3]) fleet.describe(index);
  });

  test("the other hosts are judged, the table names the failed ones with the reason, and the exit status is 1", async () => {
    const { connection } = fleet.host(0);
    fleet.describe(1, { connection: { ...connection, port: await freePort() } });
    fleet.describe(2, { connection: { ...connection, hostKey: fleet.bed.servers[0]?.otherHostKey } });
    fleet.describe(3, { headles: true });
    const { code, hosts, output } = await fleet.fleet("status", ...fleet.names);
    expect(code, output).toBe(1);
    expect(hosts[fleet.names[0] ?? ""]).toMatch(/^changes it has no state yet/);
    expect(hosts[fleet.names[1] ?? ""]).toMatch(/^failed .*connection refused/);
    expect(hosts[fleet.names[2] ?? ""]).toMatch(/^failed .*wrong host key/);
    expect(hosts[fleet.names[3] ?? ""]).toMatch(/^failed [^]*did you mean "headless"/);
  });

  test("a slow host, garbage instead of SSH and garbage instead of facts do not delay the others, and each is explained", async () => {
    const { connection, port } = fleet.host(0);
    const slow = await startSlowPort(port, 10_000);
    const talker = await startTalker("HTTP/1.1 400 Bad Request\r\n\r\n\u{1b}[2J");
    const liar = await startSshd(["ForceCommand printf '\\033[2Jhello'"]);
    fleet.describe(1, { connection: { ...connection, port: slow.port } });
    fleet.describe(2, { connection: { ...connection, port: talker.port } });
    fleet.describe(3, { connection: connectionTo(liar) });
    try {
      const { code, hosts, events, output } = await fleet.fleet("status", ...fleet.names);
      expect(code, output).toBe(1);
      expect(hosts[fleet.names[0] ?? ""]).toMatch(/^changes /);
      expect(hosts[fleet.names[1] ?? ""]).toMatch(/^failed .*the host does not answer/);
      expect(hosts[fleet.names[2] ?? ""]).toMatch(/^failed .*the SSH connection failed/);
      expect(hosts[fleet.names[3] ?? ""]).toMatch(/^failed .*something else than the probe/);
      const order = events.flatMap((event) => (event.type === "host" ? [event.host] : []));
      expect(order).toHaveLength(fleet.names.length);
      expect(order.at(-1)).toBe(fleet.names[1]);
      expect(output).not.toContain("\u001b[2J");
    } finally {
      await Promise.all([slow.close(), talker.close(), liar.stop()]);
    }
  });

  test("stacks are selected by label; a name without a file is refused", async () => {
    fleet.describe(1, {}, { "vfio-fleet:labels": { rack: "test-roll-a", row: 7 } });
    const chosen = await fleet.fleet("status", "--label", "rack=test-roll-a", "--label", "row=7");
    expect(Object.keys(chosen.hosts)).toContain(fleet.names[1]);
    expect(Object.keys(chosen.hosts)).not.toContain(fleet.names[0]);
    const unknown = await fleet.fleet("status", "no-such-stack");
    expect(unknown.code).toBe(1);
    expect(unknown.output).toContain("there is no stack no-such-stack");
    expect((await fleet.fleet("status", ...stacks(0), "--all")).code).toBe(1);
    expect((await fleet.fleet("destroy", ...stacks(0))).output).toContain("--yes");
  });
});

describe("waves", () => {
  test("a failing host stops the roll-out, and the same command resumes it after the repair", async () => {
    const wanted = stacks(0, 1, 2);
    fleet.host(1).run("touch /root/fail");
    const stopped = await fleet.fleet("up", ...wanted, "--canary", "1", "--wave", "1");
    expect(stopped.code, stopped.output).toBe(1);
    expect(stopped.hosts).toEqual({
      [wanted[0] ?? ""]: expect.stringMatching(/^changed \d+ changes$/),
      [wanted[1] ?? ""]: expect.stringMatching(/^failed [^]*No space left on device/),
      [wanted[2] ?? ""]: `left ${wanted[1]} stopped the roll-out`,
    });
    expect(stopped.output).toMatch(/the roll-out stopped in wave 2 of 3[^]*run the same command again/);
    expect([0, 1, 2].map(isPassthrough)).toEqual([true, false, false]);
    // One engine a host: none is started only to learn that there is no state.
    const log = stopped.events.flatMap((event) => (event.type === "host" && event.log ? [event.log] : []))[0];
    expect(readFileSync(log ?? "", "utf8").match(/pulumi (?=stack init|up)\S+( init)?/g)).toEqual([
      "pulumi stack init",
      "pulumi up",
    ]);

    fleet.host(1).run("rm /root/fail");
    const finished = await fleet.fleet("up", ...wanted, "--canary", "1", "--wave", "1");
    expect(finished.code, finished.output).toBe(0);
    expect(finished.output).toContain("resuming the roll-out of");
    expect(finished.hosts[wanted[0] ?? ""]).toBe("clean");
    expect([0, 1, 2].map(isPassthrough)).toEqual([true, true, true]);
    expect([0, 1, 2].map(reboots)).toEqual([1, 1, 1]);
    // Each wave began after the end of the last.
    const order = finished.events.flatMap((event) =>
      event.type === "wave" ? [`wave ${event.wave}`] : event.type === "host" ? [event.host] : [],
    );
    expect(order).toEqual(["wave 1", wanted[0], "wave 2", wanted[1], "wave 3", wanted[2]]);
  });

  test("a second run is clean without an engine, and leaves no roll-out behind", async () => {
    const again = await fleet.fleet("up", ...stacks(0, 1, 2), "--canary", "1", "--wave", "1");
    expect(again.code).toBe(0);
    expect(again.output).not.toContain("resuming");
    for (const event of again.events.filter((event) => event.type === "host"))
      expect(event).toMatchObject({ result: "clean", by: "probe" });
  });

  test("a roll-out stops only when more hosts failed than are allowed", async () => {
    const edited = [0, 1].map((index) => fleet.host(index));
    for (const host of edited) host.run("rm /etc/modprobe.d/vfio.conf");
    const { connection } = fleet.host(0);
    fleet.describe(0, { connection: { ...connection, port: await freePort() } });
    const result = await fleet.fleet("up", ...stacks(0, 1), "--wave", "1", "--max-failures", "1");
    fleet.describe(0);
    expect(result.code, result.output).toBe(1);
    expect(edited[1]?.run("cat /etc/modprobe.d/vfio.conf")).toContain("disable_vga=1");
  });
});

describe("an interrupted command", () => {
  const up = (index: number) => stacks(index)[0] ?? "";

  test("Ctrl-C lets the running host finish and begins no other", async () => {
    for (const index of [0, 1]) fleet.host(index).run("rm -f /etc/modprobe.d/vfio.conf");
    const running = fleet.start("up", ...stacks(0, 1), "--wave", "1");
    await running.told(stepOf(up(0), "/etc/modprobe.d/vfio.conf"));
    running.signal("SIGINT");
    const { code, hosts, output } = await running.done;
    expect(code, output).toBe(1);
    expect(hosts[up(0)]).toMatch(/^changed/);
    expect(hosts[up(1)]).toBe("left interrupted");
    expect(fleet.host(0).run("ls /etc/modprobe.d")).toContain("vfio.conf");
    expect(fleet.host(1).run("ls /etc/modprobe.d")).not.toContain("vfio.conf");
    expect((await fleet.fleet("up", ...stacks(0, 1))).code).toBe(0);
  });

  test("a second Ctrl-C cancels: the current step ends, no other begins, and the next run finishes", async () => {
    fleet.host(4).run("touch /root/hold");
    const running = fleet.start("up", up(4));
    await running.told(stepOf(up(4), "boot"));
    running.signal("SIGINT");
    await running.told((event) => event.type === "note" && event.text.startsWith("stopping"));
    running.signal("SIGINT");
    await running.told((event) => event.type === "note" && event.text.startsWith("cancelling"));
    fleet.host(4).run("rm /root/hold");
    const { code, hosts, output } = await running.done;
    expect(code, output).toBe(1);
    expect(hosts[up(4)]).toMatch(/^failed cancelled: run it again/);
    const again = await fleet.fleet("up", up(4));
    expect(again.code, again.output).toBe(0);
    expect((await fleet.fleet("status", up(4))).hosts).toEqual({ [up(4)]: "clean" });
    expect(isPassthrough(4)).toBe(true);
    expect(reboots(4)).toBe(1);
  });

  test("a second operator learns who holds the stack; after SIGKILL the roll-out resumes, and no host reboots twice", async () => {
    fleet.host(3).run("touch /root/hold");
    const rollOut = ["up", ...stacks(0, 3), "--canary", "1"];
    const killed = fleet.start(...rollOut);
    await killed.told(stepOf(up(3), "boot"));
    const second = await fleet.fleet("up", up(3));
    expect(second.code).toBe(1);
    expect(second.hosts[up(3)]).toMatch(
      /^failed [^]*\S+@\S+ \(stack \S+, process \d+\).* at work on it since/,
    );

    killed.signal("SIGKILL");
    await killed.done;
    fleet.host(3).run("rm /root/hold");
    // The killed command's engine first ends its current step and releases the state.
    let last = "";
    const goOn = async (): Promise<number> => {
      const { code, output } = await fleet.fleet(...rollOut);
      last = output;
      return code;
    };
    await expect.poll(goOn, { timeout: 180_000, interval: 500 }).toBe(0);
    expect(last).toMatch(/resuming the roll-out of \S+: 1 of 2 stacks proved/);
    expect(isPassthrough(3)).toBe(true);
    expect(reboots(3)).toBe(1);
    expect((await fleet.fleet("status", up(3))).hosts).toEqual({ [up(3)]: "clean" });
  });
});

describe("the output of a run", () => {
  const command = (...args: readonly string[]): string =>
    ["node", "fleet/main.ts", ...args].map((arg) => `'${arg}'`).join(" ");
  const shown = async (file: string, ...args: readonly string[]): Promise<string> =>
    (await execa(file, args, { env: fleet.environment, extendEnv: false, reject: false, all: true })).all;

  test("a terminal gets a table, at the end in full even if the terminal is low; a pipe gets a line a host", async () => {
    const status = command("status", ...stacks(0, 1));
    // script(1) provides a terminal.
    const terminal = await shown("script", "-qec", `stty rows 3 cols 80; ${status}`, "/dev/null");
    const screen = stripVTControlCharacters(terminal).replaceAll("\r", "");
    expect(terminal).toContain("\u{1b}[");
    expect(screen).toMatch(/^Host +Step +Time +Result/m);
    for (const name of stacks(0, 1)) expect(screen).toMatch(new RegExp(`^${name} .* clean`, "m"));
    expect(screen).toContain("2 hosts: 2 clean");

    const piped = await shown("sh", "-c", status);
    expect(piped).toMatch(
      new RegExp(
        `^(${stacks(0).join("")} clean\\n|${stacks(1).join("")} clean\\n){2}2 hosts: 2 clean; [0-9.]+ s$`,
      ),
    );
  });

  test("each stack has its own log of the engine's output", async () => {
    const { events } = await fleet.fleet("status", ...stacks(0, 1), "--engine");
    const logs = events.flatMap((event) => (event.type === "host" && event.log ? [event.log] : []));
    expect(logs.map((file) => basename(file)).toSorted()).toEqual(stacks(0, 1).map((name) => `${name}.log`));
    for (const file of logs)
      expect(readFileSync(file, "utf8")).toMatch(/pulumi preview --stack [^]*unchanged/);
  });
});

test("in a stack of two hosts only the host with drift would change", async () => {
  const stack = stacks(2)[0] ?? "";
  const { cards } = { cards: { gpu: { address: "0000:01:00.0", ids: ["10de:1c81", "10de:0fb9"] } } };
  const { connection } = fleet.host(1);
  // Until here host 1 has its own stack.
  expect((await fleet.fleet("destroy", ...stacks(1), "--yes")).code).toBe(0);
  fleet.describe(
    2,
    {},
    {
      "vfio-fleet:hosts": {
        [stack]: { connection: fleet.host(2).connection, cards },
        other: { connection, cards },
      },
    },
  );
  const up = await fleet.fleet("up", stack);
  expect(up.code, up.output).toBe(0);
  expect(up.hosts).toMatchObject({ other: expect.stringMatching(/^changed \d+ changes$/) });
  const clean = await fleet.fleet("status", stack);
  expect(clean.hosts).toEqual({ [stack]: "clean", other: "clean" });
  expect(clean.events).toContainEqual(expect.objectContaining({ host: "other", by: "probe" }));

  fleet.host(1).run("rm /etc/modprobe.d/vfio.conf");
  const drifted = await fleet.fleet("status", stack);
  expect(drifted.code).toBe(2);
  expect(drifted.hosts[stack]).toBe("clean");
  expect(drifted.hosts["other"]).toMatch(/^changes .*vfio\.conf/);
  expect(isPassthrough(1)).toBe(true);
});

test("destroy undoes everything, and a second destroy has nothing to do", async () => {
  const destroyed = await fleet.fleet("destroy", ...stacks(2), "--yes");
  expect(destroyed.code, destroyed.output).toBe(0);
  expect(fleet.host(2).run("ls /etc/modprobe.d /usr/local/lib")).not.toContain("vfio");
  expect(isPassthrough(2)).toBe(false);
  const status = await fleet.fleet("status", ...stacks(2));
  expect(status.code).toBe(2);
});
