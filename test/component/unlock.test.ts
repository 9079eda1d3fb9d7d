import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { grubPlain } from "../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { startSshd, type Sshd } from "../support/sshd.ts";
import { FakeAgent } from "../unit/support/fake-agent.ts";

/** The real program over a real SSH connection, with the agent of a made-up host behind it. */
const MAIN = new URL("../../fleet/main.ts", import.meta.url).pathname;

let host: FakeAgent;
let sshd: Sshd;
beforeEach(async () => {
  host = new FakeAgent({ bootloader: grubPlain, initramfs: initramfsTools, distro: debian }, "dash");
  sshd = await startSshd([`ForceCommand ${host.forceCommand()}`]);
});
afterEach(async () => {
  await sshd.stop();
  host.remove();
});

const unlock = async (...more: readonly string[]): Promise<readonly [number | undefined, string, string]> => {
  const target = `${sshd.user}@127.0.0.1:${sshd.port}`;
  const login = ["--identity", sshd.privateKeyFile, "--host-key", sshd.hostKey, "--ssh-config", "/dev/null"];
  const args = [MAIN, "unlock", target, ...login, ...more];
  const { exitCode, stdout, stderr } = await execa(process.execPath, args, { reject: false });
  return [exitCode, stdout, stderr];
};

test("the lock's owner is shown, and only the lock's own moment breaks it", async () => {
  const name = `${sshd.user}@127.0.0.1:${sshd.port}`;
  expect(await unlock()).toEqual([0, `${name}: the host is not locked`, ""]);
  host.install();
  const step = ["file", "/etc/modprobe.d/kvm.conf", "644"];
  const token = "token=2026-01-02T03:04:05.000Z,op@desk,4711,xeon,2";
  host.run([...step, token], "x\n", "198.51.100.1");
  const [status, shown] = await unlock();
  expect(status).toBe(0);
  expect(shown).toMatch(
    /locked since \S+ by op@desk \(stack xeon, process 4711\) from 198\.51\.100\.1\n {2}last step, 0 s ago: file /,
  );
  const since = /since (\S+)/.exec(shown)?.[1] ?? "";
  // the whole command: what reaches the host belongs to it
  expect(shown).toContain(
    `vfio-fleet unlock ${name} --identity ${sshd.privateKeyFile} --host-key '${sshd.hostKey}' --ssh-config /dev/null --since ${since}`,
  );
  expect(await unlock("--since", "2020-01-01T00:00:00Z")).toMatchObject({ 0: 1 });
  expect(await unlock("--since", since)).toMatchObject({ 0: 0 });
  expect(await unlock()).toEqual([0, `${name}: the host is not locked`, ""]);
});
