/** Lab hosts: start, stop, cut the power. */
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
  /** The instance's name: what ssh calls it, and its host name. */
  readonly name: string;
  readonly description: HostName;
  readonly running: boolean;
  /** On 127.0.0.1. */
  readonly sshPort: number;
  /** Its folder: disk, serial.log, qemu.log. */
  readonly folder: string;
  /** For `ssh -F`. */
  readonly sshConfig: string;
}

export interface StartOptions {
  /** The instance's name, when a description is to run more than once. Default: the description's name. */
  readonly as?: string;
  /** Throw away the disk that the instance has, and start from the image. */
  readonly fresh?: boolean;
  /** Throw away the disk that the instance has, and start from this snapshot. */
  readonly from?: string;
  /**
   * `detached` (default): runs until it is stopped. `process`: ends with this process, however that ends; for tests whose
   * hosts nobody shares.
   */
  readonly lifetime?: Lifetime;
  readonly onProgress?: OnProgress;
}

/**
 * Has the host running with sshd answering and its devices' drivers loaded. A host that runs already is left alone, one
 * that was stopped or lost its power boots the disk it had. On failure, and on a signal, QEMU is ended.
 */
export const startHost = async (description: HostName, options: StartOptions = {}): Promise<LabHost> => {
  const host: HostDescription = HOSTS[description];
  const name = options.as ?? description;
  if (!isLabName(name))
    throw new Error(`${name}: not a host name; lower-case letters, digits and hyphens are allowed`);
  const built = await image(host.image, options.onProgress);
  return withLock(`host-${name}`, async () => {
    const before = readState(name);
    const newDisk = options.fresh === true || options.from !== undefined || !hasDisk(name);
    if (before !== undefined && !newDisk && before.description !== description) {
      throw new Error(
        `${name} has the disk of a ${before.description}, not of a ${description}; --fresh throws it away`,
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
 * Ends the host and removes its disk; `keepDisk` shuts it down in good order instead and leaves the disk for the next
 * start. A host that does not exist is stopped already.
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

/** Takes the power away in mid-work, as pulling the plug does: what the host had not written is lost. */
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

/** The host of that name; throws when there is none. */
export const findHost = (name: string): LabHost => {
  checkName(name);
  const state = readState(name);
  if (state !== undefined) return labHost(state);
  const names = readStates().map((other) => other.name);
  throw new Error(
    `no lab host ${name} is there (${names.join(", ") || "none is"}); start it: npm run lab -- up ${name}`,
  );
};

const labHost = (state: HostState): LabHost => {
  const current = readState(state.name) ?? state;
  if (!isHostName(current.description)) {
    throw new Error(
      `${current.name} is a ${current.description}, which this version does not know; take it down`,
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
  if (!isLabName(name)) throw new Error(`${name}: not the name of a lab host`);
};

const hasDisk = (name: string): boolean => existsSync(join(hostDir(name), HOST_FILES.disk));

/** QEMU closes its disks' files, which a kill would leave half written; the host itself gets no warning. */
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

/** In good order: file systems unmounted. A host that does not answer loses its power after a minute. */
export const shutDown = async (state: HostState): Promise<void> => {
  const { process } = state;
  if (process === undefined) return;
  await sshRun(state.name, "systemctl poweroff --no-block").catch(() => undefined);
  await waitForEnd(process, hostDir(state.name), 60_000);
  await endProcess(state);
};
