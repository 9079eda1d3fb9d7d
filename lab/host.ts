/** Lab hosts: start, stop, power cut. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { accelerator } from "./machine/accelerator.ts";
import { waitUntilUp } from "./machine/boot.ts";
import type { HostDescription } from "./description.ts";
import { newDisks } from "./machine/disks.ts";
import { emulator } from "./machine/emulator.ts";
import { firmware } from "./machine/firmware.ts";
import { type HostName, HOSTS, isHostName } from "./hosts.ts";
import { image } from "./images/build.ts";
import { withLock } from "./machine/lock.ts";
import { hostDir, isLabName, sshConfigFile } from "./paths.ts";
import { freePort } from "./machine/port.ts";
import { kill, waitForEnd } from "./machine/process.ts";
import { type OnProgress, startProgress } from "./progress.ts";
import { HOST_FILES, qemuArguments } from "./machine/qemu-args.ts";
import { launch, type Lifetime } from "./machine/qemu.ts";
import { qmp } from "./machine/qmp.ts";
import { snapshotBase } from "./machine/snapshot.ts";
import { closeConnections, sshRun } from "./access/ssh.ts";
import { writeSshFiles } from "./access/ssh-config.ts";
import { type HostState, isHostRunning, readState, readStates, writeState } from "./machine/state.ts";

export interface LabHost {
  /** The instance's name: its SSH name and host name. */
  readonly name: string;
  readonly description: HostName;
  readonly running: boolean;
  /** On 127.0.0.1. */
  readonly sshPort: number;
  /** The instance's folder: disk, serial.log, qemu.log. */
  readonly folder: string;
  /** The file for `ssh -F`. */
  readonly sshConfig: string;
}

export interface StartOptions {
  /** The instance's name, to run a description more than once. Default: the description's name. */
  readonly as?: string;
  /** Delete the instance's disk, and start from the image. */
  readonly fresh?: boolean;
  /** Delete the instance's disk, and start from this snapshot. */
  readonly from?: string;
  /**
   * `detached` (default): runs until it is stopped. `process`: ends with this process, even if it crashes; for tests
   * that do not share their hosts.
   */
  readonly lifetime?: Lifetime;
  readonly onProgress?: OnProgress;
}

/**
 * Starts a host and waits until sshd answers and the devices' drivers are loaded. A running host is left alone. A
 * stopped host, or one that lost its power, boots its existing disk. After a failure or a signal, QEMU is ended.
 */
export const startHost = async (description: HostName, options: StartOptions = {}): Promise<LabHost> => {
  const host: HostDescription = HOSTS[description];
  const name = options.as ?? description;
  if (!isLabName(name))
    throw new Error(`"${name}" is not a host name; expected lower-case letters, digits and hyphens`);
  const built = await image(host.image, options.onProgress);
  return withLock(`host-${name}`, async () => {
    const before = readState(name);
    const newDisk = options.fresh === true || options.from !== undefined || !hasDisk(name);
    if (before !== undefined && !newDisk && before.description !== description) {
      throw new Error(
        `${name} has the disk of a ${before.description}, not of a ${description}; --fresh deletes that disk`,
      );
    }
    if (before !== undefined && isHostRunning(before)) {
      if (!newDisk) return running(before, options.onProgress);
      await endProcess(before);
    }
    const base = options.from === undefined ? undefined : await snapshotBase(options.from, description);
    if (newDisk)
      await newDisks(
        name,
        host,
        base ?? { disk: built.disk, format: "raw", variables: firmware().variables },
      );
    const state: HostState = {
      name,
      description,
      image: base?.image ?? (newDisk ? built.id : (before?.image ?? built.id)),
      from: newDisk ? options.from : before?.from,
      sshPort: await freePort(before?.sshPort),
    };
    const folder = hostDir(name);
    const files = {
      disk: join(folder, HOST_FILES.disk),
      firmware: firmware().code,
      variables: join(folder, HOST_FILES.variables),
      cardDisk: (card: string) => join(folder, `disk-${card}.qcow2`),
    };
    const chosen = await accelerator(built, options.onProgress);
    const args = qemuArguments({ name, host, files, sshPort: state.sshPort, accelerator: chosen });
    const qemu = [...emulator(host), ...args];
    const progress = startProgress(name, options.onProgress);
    try {
      await launch(name, qemu, options.lifetime ?? "detached", async (process) => {
        const started = { ...state, process };
        writeState(started);
        await writeSshFiles();
        await waitUntilUp(started, progress.stage);
      });
    } catch (error) {
      await writeSshFiles();
      throw error;
    } finally {
      progress.stop();
    }
    return labHost(state);
  });
};

const running = async (state: HostState, onProgress: OnProgress | undefined): Promise<LabHost> => {
  const progress = startProgress(state.name, onProgress);
  try {
    await writeSshFiles();
    await waitUntilUp(state, progress.stage);
  } finally {
    progress.stop();
  }
  return labHost(state);
};

/**
 * Ends the host and removes its disk. With `keepDisk` it shuts the host down cleanly and keeps the disk for the next
 * start. A host that does not exist counts as stopped.
 */
export const stopHost = async (
  name: string,
  options: { readonly keepDisk?: boolean } = {},
): Promise<void> => {
  checkName(name);
  await withLock(`host-${name}`, async () => {
    const state = readState(name);
    if (state !== undefined && isHostRunning(state)) {
      if (options.keepDisk) await shutDown(state);
      else await endProcess(state);
    }
    if (!options.keepDisk) await rm(hostDir(name), { recursive: true, force: true });
    await writeSshFiles();
  });
};

/** Cuts the power in the middle of work: the host loses everything that it had not written. */
export const powerCut = async (name: string): Promise<void> => {
  checkName(name);
  await withLock(`host-${name}`, async () => {
    const state = readState(name);
    if (state === undefined || !isHostRunning(state)) throw new Error(`${name} is not running`);
    await endProcess(state);
    await writeSshFiles();
  });
};

/** All hosts that have a disk, running or not. */
export const listHosts = (): LabHost[] => readStates().map(labHost);

/** The host of that name; throws if there is none. */
export const findHost = (name: string): LabHost => {
  checkName(name);
  const state = readState(name);
  if (state !== undefined) return labHost(state);
  const names = readStates().map((other) => other.name);
  throw new Error(
    `there is no lab host ${name} (the hosts are ${names.join(", ") || "none"}); start it with npm run lab -- up ${name}`,
  );
};

const labHost = (state: HostState): LabHost => {
  const current = readState(state.name) ?? state;
  if (!isHostName(current.description)) {
    throw new Error(
      `${current.name} is a ${current.description}, which this version does not know; remove it with npm run lab -- down ${current.name}`,
    );
  }
  return {
    name: current.name,
    description: current.description,
    running: isHostRunning(current),
    sshPort: current.sshPort,
    folder: hostDir(current.name),
    sshConfig: sshConfigFile(),
  };
};

const checkName = (name: string): void => {
  if (!isLabName(name)) throw new Error(`"${name}" is not the name of a lab host`);
};

const hasDisk = (name: string): boolean => existsSync(join(hostDir(name), HOST_FILES.disk));

/** Ends QEMU, which closes its disk files; a kill would leave them half written. The host gets no warning. */
const endProcess = async (state: HostState): Promise<void> => {
  const { process } = state;
  if (process === undefined) return;
  const folder = hostDir(state.name);
  await qmp(state.name, "quit", {}, 5000).catch(() => undefined);
  if (!(await waitForEnd(process, folder, 5000))) {
    kill(process, folder);
    await waitForEnd(process, folder, 5000);
  }
  await closeConnections(state.name);
};

/**
 * Shuts the host down cleanly, with file systems unmounted. A host that does not answer loses its power after a
 * minute.
 */
export const shutDown = async (state: HostState): Promise<void> => {
  const { process } = state;
  if (process === undefined) return;
  await sshRun(state.name, "systemctl poweroff --no-block").catch(() => undefined);
  await waitForEnd(process, hostDir(state.name), 60_000);
  await endProcess(state);
};
