/** Waits for a lab host's boot, and tells one boot from another. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import pWaitFor from "p-wait-for";
import { hostDir } from "../paths.ts";
import { type OnProgress, startProgress } from "../progress.ts";
import { HOST_FILES } from "./qemu-args.ts";
import { sshOutput, sshRun } from "../access/ssh.ts";
import { type HostState, isHostRunning, readState } from "./state.ts";

const BOOT_LIMIT_MS = 600_000;
const BLIND_ATTEMPT_MS = 20_000;
const CONNECT = { connectTimeoutMs: 20_000 } as const;
const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

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

/** Names the host after its instance on its first boot, and waits for drivers that udev is still loading. */
const settle = (name: string): string =>
  [
    `[ "$(cat /etc/hostname)" = ${name} ] || {`,
    `echo ${name} >/etc/hostname; hostname ${name}; printf '127.0.0.1\\tlocalhost ${name}\\n' >/etc/hosts; sync; }`,
    "udevadm settle --timeout=60",
  ].join("\n");

/**
 * Retries `attempt` until it returns an answer: at once, each time the host reports that sshd has started, and at
 * long intervals. The intervals are for a changed host that may not report it. Attempts are rare because each costs
 * the emulated processor a second that the boot needs.
 */
const whenUp = async <Answer>(
  state: HostState,
  limitMs: number,
  stage: (stage: string) => void,
  attempt: () => Promise<Answer | Error>,
): Promise<Answer> => {
  let nextAttempt = performance.now() + 60_000;
  let heard = 0;
  let problem = "sshd has not started";
  const notUp = (): Error => {
    const ending = stripVTControlCharacters(serialLog(state.name).slice(-2000));
    return new Error(`${state.name} is not up: ${problem}\nThe end of its serial log:\n${ending}`);
  };
  const look = async () => {
    const log = serialLog(state.name);
    stage(stageOf(log));
    const started = log.split("lab: sshd is up").length - 1;
    if (started > heard || performance.now() > nextAttempt) {
      heard = started;
      const answer = await attempt();
      if (!(answer instanceof Error)) return pWaitFor.resolveWith(answer);
      problem = answer.message.trim();
      nextAttempt = performance.now() + BLIND_ATTEMPT_MS;
    }
    if (!isHostRunning(state)) throw notUp();
    return false;
  };
  return pWaitFor(look, {
    interval: 200,
    timeout: {
      milliseconds: limitMs,
      fallback: () => {
        throw notUp();
      },
    },
  });
};

/**
 * Waits until a login by ssh works. Throws, with the end of the serial log, when the host ends or exceeds the time
 * limit.
 */
export const waitUntilUp = (state: HostState, stage: (stage: string) => void): Promise<void> =>
  whenUp(state, BOOT_LIMIT_MS, stage, async () => {
    const { code, stderr } = await sshRun(state.name, settle(state.name), CONNECT);
    return code === 0 ? undefined : new Error(stderr);
  });

/** The running boot's id, /proc/sys/kernel/random/boot_id; it changes with every reboot. */
export const bootId = (name: string): Promise<string> => sshOutput(name, BOOT_ID);

/** Waits until the host is up with another boot id than `previous` and its drivers are loaded. Returns the new id. */
export const waitForReboot = async (
  name: string,
  previous: string,
  options: { readonly limitMs?: number; readonly onProgress?: OnProgress } = {},
): Promise<string> => {
  const state = readState(name);
  if (state === undefined) throw new Error(`there is no lab host ${name}`);
  const progress = startProgress(name, options.onProgress);
  try {
    return await whenUp(state, options.limitMs ?? BOOT_LIMIT_MS, progress.stage, async () => {
      const { code, stdout, stderr } = await sshRun(name, `${settle(name)}; ${BOOT_ID}`, CONNECT);
      if (code !== 0) return new Error(stderr);
      return stdout.trim() === previous ? new Error("it has not gone down yet") : stdout.trim();
    });
  } finally {
    progress.stop();
  }
};
