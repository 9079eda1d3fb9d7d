import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { grubPlain } from "../../components/drivers/bootloader/grub/driver.ts";
import { AGENT, PROBE } from "../../components/facts/programs.ts";
import { parsePciAddress, parsePciId } from "../../components/facts/pci.ts";
import { lengthOf } from "../../components/plan/step.ts";
import { debian } from "../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../components/drivers/initramfs/initramfs-tools/driver.ts";
import type { ProbeQuestion } from "../../components/facts/question.ts";
import { resolveConnection } from "../../components/ssh/connection.ts";
import { agentScript } from "../../components/agent/agent-script.ts";
import { probeHost } from "../../components/probe/probe-host.ts";
import { readRomOnHost } from "../../components/probe/read-rom.ts";
import { runOnHost } from "../../components/ssh/session.ts";
import { setupScript } from "../../components/agent/sudoers.ts";
import { unlockHost } from "../../components/agent/unlock.ts";
import { watchHost } from "../../components/probe/watch.ts";
import { connectionTo, startSshd, type Sshd } from "../support/sshd.ts";
import { FakeAgent } from "../unit/support/fake-agent.ts";
import { plugIn } from "../unit/support/fake-card.ts";
import { ipxeRom } from "../unit/support/option-rom.ts";

/**
 * A plain login over a real SSH connection, with `restrict` for its key. The made-up host's sudo follows sudoers: it
 * allows everything, or the project's two programs.
 */
const drivers = { bootloader: grubPlain, initramfs: initramfsTools, distro: debian };
const ROM = readFileSync(ipxeRom("efi-e1000e.rom"));
const question: ProbeQuestion = {
  files: [AGENT],
  exists: [AGENT, "/usr/local/nowhere"],
  look: ["/usr/local/lib/vfio-fleet", "/usr/local/nowhere"],
  packages: [],
  parameters: ["kvm"],
  modinfo: [{ module: "kvm", receipt: "%etc%modprobe.d%kvm.conf", sha256: "0".repeat(64) }],
  symbols: ["a_symbol"],
  survey: true,
};

let host: FakeAgent;
let sshd: Sshd;
/** Sets what sudo allows. */
const allow = (what: "all" | "ours" | "nothing"): void => {
  const root = 'SUDO_USER=op AS_ROOT=yes exec "$@"';
  host.tool(
    "sudo",
    [
      "[ $1 = -n ] && shift",
      what === "all" ? root : "",
      what === "ours" ? `case $1 in $ROOT${AGENT} | $ROOT${PROBE}) ${root} ;; esac` : "",
      'echo "sudo: a password is required" >&2; exit 1',
    ].join("\n"),
  );
};
beforeEach(async () => {
  host = new FakeAgent(drivers, "dash");
  host.tool("id", 'case "$*" in "-u op") ;; *) [ -z "${AS_ROOT:-}" ] && echo 1000 || echo 0 ;; esac');
  host.tool("visudo", "exit 0");
  host.tool("chown", ":");
  // Two answers are compared, so disk usage and the kernel's log of this machine must not change in between.
  host.tool("stat", 'case $1 in -f) echo "1000 2000 4096" ;; *) exec /usr/bin/stat "$@" ;; esac');
  host.tool("dmesg", ":");
  for (const [name, value] of [
    ["hostname", "host"],
    ["osrelease", "6.1.0-37-amd64"],
    ["arch", "x86_64"],
  ] as const)
    host.file(`/proc/sys/kernel/${name}`, value);
  sshd = await startSshd([`ForceCommand ${host.forceCommand()}`], 1, "restrict");
});
afterEach(async () => {
  await sshd.stop();
  host.remove();
});

const connection = () => {
  const resolved = resolveConnection("connection", connectionTo(sshd));
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.problems));
  return resolved.value;
};
const setUp = (): void => {
  const words = "PATH=\nAS_ROOT=yes; export AS_ROOT\n";
  expect(host.program(words + setupScript(["op"]), [])).toMatchObject({
    status: 0,
    errors: "",
    output: "done: op may use sudo for vfio-fleet's own programs\n",
  });
  host.calls();
};

describe("a login whose sudo allows only the project's programs", () => {
  beforeEach(() => {
    host.folder("/etc/sudoers.d");
    setUp();
    allow("ours");
  });

  test("the administrator's script installs the sudoers file and the programs", () => {
    expect(host.list("/usr/local/lib/vfio-fleet")).toEqual(["host", "probe"]);
    expect(host.list("/etc/sudoers.d")).toEqual(["vfio-fleet"]);
    const modes = [AGENT, PROBE, "/etc/sudoers.d/vfio-fleet"].map((path) =>
      (statSync(join(host.root, path)).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(["755", "755", "440"]);
    expect(host.read("/etc/sudoers.d/vfio-fleet")).toMatch(
      /^op ALL = \(root\) NOPASSWD: NOSETENV: VFIO_FLEET$/m,
    );
    // A second run keeps an agent that a stack has installed.
    host.install();
    const agent = host.read(AGENT);
    setUp();
    expect(host.read(AGENT)).toBe(agent);
  });

  test("a sudoers file that visudo rejects is not installed", () => {
    host.tool("visudo", "echo 'syntax error' >&2; exit 1");
    const before = host.read("/etc/sudoers.d/vfio-fleet");
    expect(
      host.program(`PATH=\nAS_ROOT=yes; export AS_ROOT\n${setupScript(["op", "op2"])}`, []),
    ).toMatchObject({ status: 1 });
    expect(host.read("/etc/sudoers.d/vfio-fleet")).toBe(before);
    expect(host.list("/usr/local/lib/vfio-fleet")).toEqual(["host", "probe"]);
  });

  test("the probe gives the same answer as for a login with full sudo, and sudo is asked for nothing else", async () => {
    const limited = await probeHost(connection(), question);
    expect(host.calls("sudo").map((call) => call.split(" ").slice(0, 4).join(" "))).toEqual([
      expect.stringMatching(new RegExp(`^sudo -n ${PROBE} [0-9a-f]{16}$`)),
      expect.stringMatching(new RegExp(`^sudo -n ${PROBE} [0-9a-f]{16}$`)),
    ]);
    host.rename(PROBE, `${PROBE}.away`);
    allow("all");
    const whole = await probeHost(connection(), question);
    expect(whole.privilege).toBe("sudo");
    expect(limited).toEqual({ ...whole, privilege: "sudo-agent", user: "op" });
    expect(Object.keys(limited.files).map((path) => path.replace(host.root, ""))).toEqual([AGENT]);
    expect(limited.survey).toBeDefined();
  });

  test("the agent is replaced through itself, atomically", async () => {
    const whole = agentScript(drivers);
    const install = (text: string) =>
      runOnHost(connection(), `sudo -n ${host.root}${AGENT} install token=new ${lengthOf(whole)}`, text);
    const starter = host.read(AGENT);
    const cut = await install(whole.slice(0, -20));
    expect(cut).toMatchObject({ code: 1, stderr: expect.stringContaining("its input did not arrive whole") });
    expect(host.read(AGENT)).toBe(starter);
    expect(await install(whole)).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(join(host.root, AGENT), "utf8").length).toBeGreaterThan(starter?.length ?? 0);
    expect(host.receipt("agent")).toMatchObject({ token: "new" });
  });

  test("the lock's owner is shown, and a ROM can be read", async () => {
    expect(await unlockHost(connection())).toEqual({ ok: true, said: "the host is not locked" });
    plugIn(host, {
      address: "0000:01:00.0",
      id: "8086:10d3",
      rom: ROM,
      driver: "vfio-pci",
      control: "auto",
    });
    const [address, id, other] = [
      parsePciAddress("0000:01:00.0"),
      parsePciId("8086:10d3"),
      parsePciId("10de:1c81"),
    ];
    if (!address || !id || !other) throw new Error("no addresses");
    const answer = await readRomOnHost(connection(), address, id);
    expect(answer).toMatchObject({ ok: true, id: "8086:10d3" });
    expect(answer.ok && Buffer.compare(answer.bytes, ROM)).toBe(0);
    expect(await readRomOnHost(connection(), address, other)).toMatchObject({
      ok: false,
      reason: expect.stringContaining("expected 10de:1c81"),
    });
    expect(host.calls("sudo").filter((call) => !call.includes("/vfio-fleet/"))).toEqual([]);
  });

  test("the host can be watched", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    await watchHost(
      connection(),
      0.1,
      ({ privilege }) => {
        seen.push(privilege);
        if (seen.length === 2) stop.abort();
      },
      stop.signal,
    );
    expect(seen).toEqual(["sudo-agent", "sudo-agent"]);
  });

  test("with programs of another version it is a plain login, and the message says so", async () => {
    host.file(
      PROBE,
      readFileSync(join(host.root, PROBE), "utf8").replace(/^VERSION=.*$/m, "VERSION=0123456789abcdef"),
      { mode: 0o755 },
    );
    expect((await probeHost(connection(), question)).privilege).toBe("sudo-agent-old");
    // A login with full sudo needs no programs.
    allow("all");
    expect((await probeHost(connection(), question)).privilege).toBe("sudo");
  });

  test.each([
    ["a function of the probe", "SURVEY=carry"],
    ["a program", "SURVEY=reboot"],
    ["a nonce that prints more", "N=a\\n@b"],
    ["an option for dpkg", "PACKAGES=libvirt --admindir=/tmp"],
    ["a command among the programs to look for", "TOOLS=dracut;id"],
    ["an option for grep", "SYMBOLS=-f/etc/shadow"],
    ["an option for modinfo", "MODINFO=-k/tmp/x"],
    ["a command", "PARAMETERS=kvm;id"],
    ["a variable of the shell", "PATH=/tmp"],
    ["any other text", "id"],
  ])("a probe question with %s is refused", async (_, line) => {
    const nonce = line.startsWith("N=") ? "" : "N=abc\n";
    const { version } = /^VERSION=(?<version>.*)$/m.exec(readFileSync(join(host.root, PROBE), "utf8"))
      ?.groups ?? { version: "" };
    const ask = `sudo -n ${host.root}${PROBE} ${version} ask`;
    expect(await runOnHost(connection(), ask, "N=abc\n")).toMatchObject({ code: 0 });
    expect(await runOnHost(connection(), ask, `${nonce}${line}\n`)).toMatchObject({
      code: 1,
      stdout: Buffer.from(""),
      stderr: expect.stringMatching(/^vfio-fleet: /),
    });
  });
});

test("a login without sudo stays a plain one", async () => {
  allow("nothing");
  expect((await probeHost(connection(), question)).privilege).toBe("none");
});
