/** Waiting for a lab host to be up, and telling one boot from another. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { hostDir } from "./paths.ts";
import { HOST_FILES } from "./qemu-args.ts";
import { sshOutput, sshRun } from "./ssh.ts";
import { type HostState, isHostRunning, readState } from "./state.ts";

const BOOT_LIMIT_MS = 300_000;
/** Tried now and then even without the line on the serial port, which a changed host may not write. */
const BLIND_ATTEMPT_MS = 30_000;

const STAGES = [
  ["lab: sshd is up", "sshd is up"],
  ["Loading initial ramdisk", "the kernel boots"],
  ["GRUB", "GRUB"],
  ["BdsDxe: starting", "the boot loader"],
] as const;

const serialLog = (name: string): string => {
  try {
    return readFileSync(join(hostDir(name), HOST_FILES.serial), "utf8");
  } catch {
    return "";
  }
};

const stageOf = (log: string): string => {
  const found = STAGES.map(([text, stage]) => ({ at: log.lastIndexOf(text), stage })).sort(
    (a, b) => b.at - a.at,
  )[0];
  return found === undefined || found.at < 0 ? "the firmware" : found.stage;
};

/** Names the host after its instance on its first boot, and waits for the drivers that udev is still loading. */
const settle = (name: string): string =>
  [
    `[ "$(cat /etc/hostname)" = ${name} ] || {`,
    `echo ${name} >/etc/hostname; hostname ${name}; printf '127.0.0.1\\tlocalhost ${name}\\n' >/etc/hosts; sync; }`,
    "udevadm settle --timeout=60",
  ].join("\n");

/** Waits for a login by ssh. Throws, with the end of the serial log, when the host ends or is not up in five minutes. */
export const waitUntilUp = async (
  state: HostState,
  stage: (stage: string) => void,
  limitMs = BOOT_LIMIT_MS,
): Promise<void> => {
  const { name } = state;
  const deadline = performance.now() + limitMs;
  let nextAttempt = performance.now() + BLIND_ATTEMPT_MS;
  let heard = 0;
  let problem = "sshd has not started";
  for (;;) {
    const log = serialLog(name);
    stage(stageOf(log));
    const lines = log.split("lab: sshd is up").length - 1;
    if (lines > heard || performance.now() > nextAttempt) {
      heard = lines;
      const { code, stderr } = await sshRun(name, settle(name), { connectTimeoutMs: 20_000 });
      if (code === 0) return;
      problem = stderr.trim();
      nextAttempt = performance.now() + 3000;
    }
    if (performance.now() > deadline || !isHostRunning(state)) {
      const ending = stripVTControlCharacters(log.slice(-2000));
      throw new Error(`${name} is not up: ${problem}\nThe end of its serial log:\n${ending}`);
    }
    await delay(200);
  }
};

/** The running boot's id, /proc/sys/kernel/random/boot_id: another one after every reboot. */
export const bootId = (name: string): Promise<string> =>
  sshOutput(name, "cat /proc/sys/kernel/random/boot_id");

/** Waits until the host is up with another boot id than `previous`, and returns it. */
export const waitForReboot = async (
  name: string,
  previous: string,
  limitMs = BOOT_LIMIT_MS,
): Promise<string> => {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const state = readState(name);
    if (state === undefined) throw new Error(`${name}: no such host`);
    const { code, stdout } = await sshRun(name, "cat /proc/sys/kernel/random/boot_id", {
      connectTimeoutMs: 5000,
    }).catch(() => ({ code: 255, stdout: "" }));
    const current = stdout.trim();
    if (code === 0 && current !== previous) {
      await sshOutput(name, "udevadm settle --timeout=60");
      return current;
    }
    if (performance.now() > deadline || !isHostRunning(state)) {
      throw new Error(`${name} has not rebooted: ${isHostRunning(state) ? "time is up" : "QEMU has ended"}`);
    }
    await delay(1000);
  }
};
