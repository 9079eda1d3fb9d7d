import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { grubPlain } from "../../../components/drivers/bootloader/grub/driver.ts";
import { runToken } from "../../../components/plan/run-token.ts";
import { lengthOf } from "../../../components/plan/step.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent, type Ran } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";

const PATH = "/etc/modprobe.d/kvm.conf";
const OTHER = "/etc/modprobe.d/vfio.conf";
const LOCK = "/var/lib/vfio-fleet/lease";
const [DESK, LAPTOP] = ["198.51.100.1", "198.51.100.2"];

/** The token of a run; the minute tells two runs of one person apart. */
const runOf = (user: string, machine: string, minute: number, steps = 3, stack = "xeon"): string =>
  runToken(
    {
      moment: new Date(`2026-01-02T03:${String(minute).padStart(2, "0")}:00Z`),
      user,
      machine,
      process: 4711,
      stack,
    },
    Array.from({ length: steps }, (_, index) => ({ key: `/etc/${index}` })),
  );
const OP = runOf("op", "desk", 1);
const GUEST = runOf("guest", "laptop", 2);

let host: FakeAgent;
afterEach(() => host.remove());
const start = (shell: Shell): void => {
  host = new FakeAgent({ bootloader: grubPlain, initramfs: initramfsTools, distro: debian }, shell);
  uptime(1000);
};
const uptime = (seconds: number): void => host.file("/proc/uptime", `${seconds}.25 4000.00`);
const step = (token: string, from: string, path = PATH): Ran =>
  host.run(["file", path, "644", `token=${token}`], `${token}\n`, from);
const undo = (from: string, path = PATH): Ran => host.run(["unfile", path], "", from);
const ok = ({ status, errors }: Ran): void => expect({ status, errors }).toEqual({ status: 0, errors: "" });
const refused = ({ status, errors }: Ran, ...says: readonly string[]): void => {
  expect(status).toBe(1);
  for (const text of says) expect(errors).toContain(text);
};
const since = (): string => /^since=(.*)$/m.exec(host.read(LOCK) ?? "")?.[1] ?? "";

describe.each(SHELLS)("the lock of a host, with %s", (shell) => {
  test("between two steps of a run nobody else's step changes anything, and hears who is at work since when", () => {
    start(shell);
    ok(step(OP, DESK));
    uptime(1040);
    refused(
      step(GUEST, LAPTOP, OTHER),
      `locked: op@desk (stack xeon, process 4711) from ${DESK}`,
      `since ${since()}`,
      `'file ${PATH} 644'`,
      "40 s ago",
      "vfio-fleet unlock",
    );
    expect(host.read(OTHER)).toBeUndefined();
    refused(undo(LAPTOP), "locked: op@desk");
    expect(host.read(PATH)).toBe(`${OP}\n`);
    ok(step(OP, DESK, OTHER));
  });

  test("the last step of a run gives it back", () => {
    start(shell);
    ok(step(OP, DESK));
    ok(step(OP, DESK, OTHER));
    refused(step(GUEST, LAPTOP), "locked: op@desk");
    ok(step(OP, DESK, "/etc/modprobe.d/x.conf"));
    expect(host.read(LOCK)).toBeUndefined();
    ok(step(GUEST, LAPTOP));
  });

  test("a step that fails is not counted, and leaves the lock where it is", () => {
    start(shell);
    const once = runOf("op", "desk", 1, 1);
    refused(host.run(["block", "/etc/libvirt/qemu.conf", `token=${once}`], "x", DESK), "is not there");
    refused(step(GUEST, LAPTOP), "locked: op@desk");
    ok(step(once, DESK));
    ok(step(GUEST, LAPTOP));
  });

  test("a run that was killed is followed by the same person's next one at once, and cannot come back", () => {
    start(shell);
    ok(step(OP, DESK));
    const next = runOf("op", "desk", 9);
    ok(step(next, DESK, OTHER));
    refused(step(OP, DESK, "/etc/modprobe.d/x.conf"), "lost its lock");
    // what the killed run did do, the engine may not know: then the step comes again with the token of its receipt
    ok(step(OP, DESK));
  });

  test("the agent's own step with the token of its receipt speaks for nobody, the run that wrote it may be long over", () => {
    start(shell);
    const admit = (token: string): Ran => host.run(["admit", `token=${token}`], "", DESK);
    ok(admit(OP));
    host.file("/var/lib/vfio-fleet/receipts/agent", `token=${OP}`);
    // the next run leaves the agent as it is, fails, and the one after it changes how the agent is to be removed
    ok(step(runOf("op", "desk", 9), DESK));
    ok(admit(OP));
    refused(host.run(["admit", `token=${OP}`], "", LAPTOP), "locked: op@desk");
  });

  test.each([
    ["another stack", runOf("op", "desk", 9, 3, "rack"), DESK],
    ["another person", runOf("ann", "desk", 9), DESK],
    ["a machine of the same name elsewhere", runOf("op", "desk", 9), LAPTOP],
  ])("%s is another run", (_, token, from) => {
    start(shell);
    ok(step(OP, DESK));
    refused(step(token, from), "locked: op@desk");
  });

  test("it ends by age, of which a reboot takes nothing and a clock knows nothing", () => {
    start(shell);
    ok(step(OP, DESK));
    uptime(1299);
    refused(step(GUEST, LAPTOP), "299 s ago");
    // the host reboots: that is a part of the run
    host.file("/proc/sys/kernel/random/boot_id", "boot-2");
    uptime(20);
    refused(step(GUEST, LAPTOP), "20 s ago");
    uptime(300);
    ok(step(GUEST, LAPTOP));
    refused(step(OP, DESK, OTHER), "lost its lock");
  });

  test("a run that was only slow goes on as long as nobody has taken over", () => {
    start(shell);
    ok(step(OP, DESK));
    uptime(5000);
    ok(step(OP, DESK, OTHER));
    refused(step(GUEST, LAPTOP), "locked: op@desk");
  });

  test("undoing has a lock of its own, known by its address and soon over", () => {
    start(shell);
    ok(step(runOf("op", "desk", 1, 1), DESK));
    ok(undo(DESK));
    refused(step(GUEST, LAPTOP), `locked: somebody from ${DESK}`);
    ok(step(OP, DESK));
    ok(undo(DESK, OTHER));
    refused(undo(LAPTOP, OTHER), "locked: op@desk");
    uptime(1300);
    ok(undo(LAPTOP, OTHER));
    uptime(1359);
    refused(step(GUEST, DESK), `locked: somebody from ${LAPTOP}`);
    uptime(1360);
    ok(step(GUEST, DESK));
  });

  test("an old token that another stack's state brings back does not speak for its old owner", () => {
    start(shell);
    const old = runOf("op", "desk", 1, 1);
    ok(step(old, DESK));
    ok(step(GUEST, LAPTOP, OTHER));
    refused(step(old, DESK), "locked: guest@laptop");
    ok(step(old, LAPTOP));
  });

  test("agreement to a reboot makes no run of its own", () => {
    start(shell);
    ok(step(OP, DESK));
    ok(step(`${OP}+reboot`, DESK, OTHER));
    expect(host.receipt(OTHER)?.["token"]).toBe(`${OP}+reboot`);
  });

  test("while a step is at work, another run is refused at once, whatever the age", async () => {
    start(shell);
    host.tool("flock", 'exec /usr/bin/flock "$@"');
    ok(step(OP, DESK));
    uptime(9000);
    const holding = spawn("flock", [`${host.root}/run/vfio-fleet.lock`, "sh", "-c", "echo held; read _"]);
    await once(holding.stdout, "data");
    refused(step(GUEST, LAPTOP), "locked: op@desk");
    refused(host.run(["unlock", since()]), "a step is at work right now");
    expect(host.run(["unlock"]).output).toContain(`at work now: file ${PATH} 644`);
    holding.stdin.end("\n");
    await once(holding, "exit");
    ok(step(GUEST, LAPTOP));
  });

  test("it is broken by its name only, and the run that had it is over", () => {
    start(shell);
    ok(step(OP, DESK));
    expect(host.run(["unlock"]).output).toBe(
      `locked since ${since()} by op@desk (stack xeon, process 4711) from ${DESK}\nlast step, 0 s ago: file ${PATH} 644\n`,
    );
    refused(host.run(["unlock", "2020-01-01T00:00:00Z"]), "the lock is another one: op@desk");
    refused(step(GUEST, LAPTOP), "locked");
    ok(host.run(["unlock", since()]));
    expect(host.run(["unlock"]).output).toBe("the host is not locked\n");
    refused(step(OP, DESK, OTHER), "lost its lock");
    ok(step(GUEST, LAPTOP));
  });

  test.each([
    ["cut off", ""],
    ["garbage", "\u{1}\u{2}\nseen=x\nidle=$(reboot)\nleft=-1"],
    ["with numbers that are none", "run=r\nsince=2026\nboot=boot-1\nseen=1e9\nidle=;id\nleft=a"],
  ])("a file that is %s after a power cut is no lock", (_, content) => {
    start(shell);
    host.file(LOCK, content);
    ok(step(OP, DESK));
    refused(step(GUEST, LAPTOP), "locked: op@desk");
  });

  test("a step whose input does not come whole changes nothing, and one that waits for it keeps nobody away", async () => {
    start(shell);
    const file = ["file", PATH, "644", `key=${PATH}`, `token=${OP}`];
    refused(host.run([...file, "bytes=3"], "a\n"), "its input did not arrive whole, 2 of 3 bytes");
    refused(host.run([...file, "bytes="], "a\n"), "bytes=N");
    refused(host.run(["file", PATH, "644", "key=", `token=${OP}`], "a\n"), "the key of its step: key=KEY");
    expect(host.read(PATH)).toBeUndefined();
    expect(host.read(LOCK)).toBeUndefined();
    const waiting = host.start([...file, "bytes=2"]);
    const closed = once(waiting, "close");
    // it has begun to wait
    await expect.poll(() => host.list("/run")).toHaveLength(1);
    ok(step(GUEST, LAPTOP));
    waiting.stdin.write("a");
    waiting.stdin.end();
    expect(await closed).toEqual([1, null]);
    expect(host.read(PATH)).toBe(`${GUEST}\n`);
    expect(host.list("/run")).toEqual(["vfio-fleet.lock"]);
  });

  test("a step says whether its input did not come or found no room", async () => {
    start(shell);
    const file = ["file", PATH, "644", `key=${PATH}`, `token=${OP}`];
    host.tool("timeout", `shift; exec ${shell === "dash" ? "/usr/bin/timeout" : "busybox timeout"} 1 "$@"`);
    const waiting = host.start([...file, "bytes=2"]);
    const [errors, [code]] = await Promise.all([text(waiting.stderr), once(waiting, "close")]);
    waiting.stdin.end();
    expect([code, errors]).toEqual([1, expect.stringContaining("did not come within 10 minutes")]);
    host.tool("head", `exec /usr/bin/head "$@" >/dev/full`);
    refused(host.run(file, "a\n"), "could not be kept in /run. Is there room for 2 bytes");
    expect(host.read(PATH)).toBeUndefined();
    expect(host.list("/run")).toEqual([]);
  });

  test("replacing the agent asks first, and counts as no step", () => {
    start(shell);
    ok(host.run(["admit", `token=${runOf("op", "desk", 1, 0)}`], "", DESK));
    expect(host.read(LOCK)).toBeUndefined();
    ok(host.run(["admit", `token=${OP}`], "", DESK));
    refused(host.run(["admit", `token=${GUEST}`], "", LAPTOP), "locked: op@desk");
    // by itself, where the login may do no more
    ok(step(OP, DESK));
    const whole = "#!/bin/sh\n# whole\n";
    host.folder("/usr/local/lib/vfio-fleet");
    refused(host.run(["install", `token=${GUEST}`], whole, LAPTOP), "locked: op@desk");
    const left = /^left=.*$/m.exec(host.read(LOCK) ?? "")?.[0];
    ok(host.run(["install", `token=${OP}`], whole, DESK));
    expect(host.read("/usr/local/lib/vfio-fleet/host")).toBe(whole);
    expect(host.read(LOCK)).toContain(left);
    refused(
      host.run(["install", `token=${OP}`, lengthOf(whole)], whole.slice(0, 12), DESK),
      `its input did not arrive whole, 12 of ${whole.length} bytes`,
    );
    expect(host.read("/usr/local/lib/vfio-fleet/host")).toBe(whole);
  });

  test("sudo hides the address, the processes above still know it", () => {
    start(shell);
    const { output } = host.call(
      `unset SSH_CONNECTION; mkdir -p /proc/$$; printf 'A=1\\0SSH_CONNECTION=${LAPTOP} 5 6 22\\0' >/proc/$$/environ; peer`,
    );
    expect(output).toBe(LAPTOP);
  });
});
