import { afterAll, beforeAll, expect, test } from "vitest";
import { setupScript } from "../../components/agent/sudoers.ts";
import { bootId, waitForReboot } from "../../lab/machine/boot.ts";
import { sshOutput } from "../../lab/access/ssh.ts";
import { fleet } from "../support/domain-checks.ts";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";

/** The whole job by a plain login: its key has `restrict`, its sudo allows what `vfio-fleet sudoers` prints and nothing else. */
const LOGIN = "limited";
const PROGRAMS = "ls /usr/local/lib/vfio-fleet | xargs";

let stack: LabStack;
beforeAll(async () => {
  stack = await startLabStack("lab-fx8350", "lab-fx8350", "test-limited");
  await stack.read(
    `useradd -m -s /bin/sh ${LOGIN} && install -d -m 700 -o ${LOGIN} ~${LOGIN}/.ssh && sed 's/^/restrict,port-forwarding /' ~root/.ssh/authorized_keys >~${LOGIN}/.ssh/authorized_keys && chown ${LOGIN} ~${LOGIN}/.ssh/authorized_keys`,
  );
  await sshOutput(stack.host, "sh", { input: setupScript([LOGIN]) });
  stack.describe((host) => ({ ...host, connection: { ...(host["connection"] as object), user: LOGIN } }));
});
afterAll(() => stack?.remove());

const tried = (command: string): Promise<string> =>
  stack.read(`runuser -u ${LOGIN} -- ${command} >/dev/null 2>&1 && echo allowed || echo refused`);

test("sudo allows the two programs, and no shell", async () => {
  expect(await stack.read("stat -c '%a %U' /etc/sudoers.d/vfio-fleet /usr/local/lib/vfio-fleet")).toBe(
    "440 root\n755 root",
  );
  expect(await stack.read(PROGRAMS)).toBe("host probe");
  expect(await tried("sudo -n true")).toBe("refused");
  expect(await tried("sudo -n sh -c true")).toBe("refused");
  expect(await tried("sudo -n /usr/local/lib/vfio-fleet/host unlock")).toBe("allowed");
  expect(await tried("sh -c ': >>/usr/local/lib/vfio-fleet/host'")).toBe("refused");
});

test("up: reboot, proof, storage over libvirt, and the domain", async () => {
  const boot = await bootId(stack.host);
  const { code, output } = await stack.up();
  expect(code, output).toBe(0);
  expect(await bootId(stack.host)).not.toBe(boot);
  for (const part of ["0", "1"])
    expect(await stack.read(`basename $(readlink /sys/bus/pci/devices/0000:01:00.${part}/driver)`)).toBe(
      "vfio-pci",
    );
  expect(await stack.read("virsh -q domstate win10")).toBe("running");
});

test("the preview after it is clean, and sudo was called for nothing but the programs", async () => {
  const { code, output } = await stack.preview("--expect-no-changes");
  expect(code, output).toBe(0);
  const called = await stack.read(
    `journalctl -q -o cat _COMM=sudo | sed -n 's/^ *${LOGIN} : .*COMMAND=\\([^ ]*\\).*/\\1/p' | sort -u`,
  );
  // the refused ones are those of the first test
  expect(called.split("\n").filter((one) => !/\/(true|sh)$/.test(one))).toEqual([
    "/usr/local/lib/vfio-fleet/host",
    "/usr/local/lib/vfio-fleet/probe",
  ]);
});

test("cards are moved", async () => {
  const released = await fleet(
    "gpu",
    "release",
    "stand-in",
    "--stack",
    stack.host,
    "--timeout",
    "1",
    "--force",
  );
  expect([released.exitCode, released.stderr]).toEqual([0, ""]);
  expect(await stack.read("virsh -q domstate win10")).toBe("shut off");
});

test("destroy leaves the administrator's programs, so that up can follow", async () => {
  const boot = await bootId(stack.host);
  const { code, output } = await stack.destroy();
  expect(code, output).toBe(0);
  await waitForReboot(stack.host, boot);
  expect(await stack.read(PROGRAMS)).toBe("host probe");
  expect(await stack.read("ls -d /var/lib/vfio-fleet /etc/vfio-fleet 2>/dev/null || true")).toBe("");
  const preview = await stack.preview();
  expect(preview.code, preview.output).toBe(0);
  expect(preview.output).toContain("host install");
});
