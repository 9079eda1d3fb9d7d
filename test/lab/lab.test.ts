import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootId } from "../../lab/machine/boot.ts";
import { findHost, type LabHost, listHosts, powerCut, startHost, stopHost } from "../../lab/host.ts";
import { qmp } from "../../lab/machine/qmp.ts";
import { sshOutput, sshRun } from "../../lab/access/ssh.ts";

const HOST = "test-lab";
const ROOT = join(import.meta.dirname, "../..");
let host: LabHost;

/** The QEMU processes of that instance, looked for without the lab's own notes. */
const qemuProcesses = (name: string): string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return args[0]?.endsWith("qemu-system-x86_64") && args[args.indexOf("-name") + 1] === name;
    } catch {
      return false;
    }
  });

beforeAll(async () => {
  host = await startHost("lab-xeon", { as: HOST, fresh: true, lifetime: "process", onProgress: console.log });
});
afterAll(() => stopHost(HOST));

describe.sequential("a lab host", () => {
  test("answers ssh under its name, with the host key pinned", async () => {
    expect(await sshOutput(HOST, "hostname")).toBe(HOST);
    expect(readFileSync(host.sshConfig, "utf8")).toMatch(
      new RegExp(`Host ${HOST}\\n  HostName 127\\.0\\.0\\.1\\n  Port ${host.sshPort}\\n`),
    );
    expect(readFileSync(join(ROOT, ".lab/ssh_config"), "utf8")).toBe(`Include "${host.sshConfig}"\n`);
  });

  test("has a GPU and its audio alone in an IOMMU group, on the drivers that a host gives them", async () => {
    const seen = await sshOutput(
      HOST,
      'cd /sys/bus/pci/devices/0000:01:00.0/iommu_group/devices && for d in *; do echo "$d $(basename $(readlink $d/driver))"; done',
    );
    expect(seen.split("\n")).toEqual(["0000:01:00.0 bochs-drm", "0000:01:00.1 snd_hda_intel"]);
  });

  test("has a user for each kind of sudo", async () => {
    const sudo = (user: string, input = ""): Promise<number> =>
      sshRun(HOST, "sudo -S true 2>/dev/null", { user, input }).then(({ code }) => code);
    expect(await sudo("op")).toBe(0);
    expect(await sudo("opw")).not.toBe(0);
    expect(await sudo("opw", "lab-sudo\n")).toBe(0);
    expect(await sudo("nosudo", "lab-sudo\n")).not.toBe(0);
  });

  test("its boot menu is what update-grub makes of it", async () => {
    await sshOutput(HOST, "cp /boot/grub/grub.cfg /tmp/image.cfg && update-grub 2>/dev/null");
    expect(await sshRun(HOST, "diff /tmp/image.cfg /boot/grub/grub.cfg")).toMatchObject({
      code: 0,
      stdout: "",
    });
  });

  test("status and standard error of a command come back as they are", async () => {
    expect(await sshRun(HOST, "cat; echo oops >&2; exit 7", { input: "text" })).toEqual({
      code: 7,
      stdout: "text",
      stderr: "oops\n",
    });
  });

  test("a power cut ends it at once; the next start boots the same disk, without what was not written", async () => {
    const before = await bootId(HOST);
    await sshOutput(HOST, "echo kept >/root/kept; sync; echo lost >/root/lost");
    await powerCut(HOST);
    expect(qemuProcesses(HOST)).toEqual([]);
    expect(findHost(HOST).running).toBe(false);
    await startHost("lab-xeon", { as: HOST, lifetime: "process", onProgress: console.log });
    expect(await sshOutput(HOST, "cat /root/kept")).toBe("kept");
    expect(await sshRun(HOST, "cat /root/lost")).not.toMatchObject({ stdout: "lost\n" });
    expect(await bootId(HOST)).not.toBe(before);
  });

  test("QEMU's refusal is an error that names host and command", async () => {
    await expect(
      qmp(HOST, "screendump", { filename: "/no/such/folder/x.png", format: "png" }),
    ).rejects.toThrow(`${HOST}: QMP screendump: `);
  });

  test("down leaves no process, no disk and no entry for ssh", async () => {
    const { folder, sshConfig } = findHost(HOST);
    expect(qemuProcesses(HOST)).toHaveLength(1);
    await stopHost(HOST);
    expect(qemuProcesses(HOST)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    expect(readFileSync(sshConfig, "utf8")).not.toContain(HOST);
    expect(listHosts().map(({ name }) => name)).not.toContain(HOST);
  });
});

test("Ctrl-C while a host boots leaves no QEMU behind", async () => {
  const name = "test-lab-signal";
  const up = spawn(process.execPath, ["lab/main.ts", "up", "lab-xeon", "--as", name], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const status = new Promise((resolve) => up.once("exit", resolve));
  for await (const chunk of up.stderr) {
    if (String(chunk).includes("GRUB")) break;
  }
  expect(qemuProcesses(name)).toHaveLength(1);
  up.kill("SIGINT");
  expect(await status).toBe(130);
  expect(qemuProcesses(name)).toEqual([]);
  await stopHost(name);
});
