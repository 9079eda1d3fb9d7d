/** Snapshots: a copy of a host's disk from which other hosts can start. */
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type DiskBase, overlay } from "./disks.ts";
import { withLock } from "./lock.ts";
import { hostDir, isLabName, snapshotDir, snapshotsDir } from "../paths.ts";
import { HOST_FILES } from "./qemu-args.ts";
import { isHostRunning, readState } from "./state.ts";

const SNAPSHOT = z.strictObject({ description: z.string(), image: z.string() });

/**
 * Saves the disk of a stopped host (stopHost with `keepDisk`) as `tag`; the host can boot again afterwards. An older
 * snapshot of that tag has to be removed first.
 */
export const labSnapshot = async (name: string, tag: string): Promise<void> => {
  if (!isLabName(tag))
    throw new Error(`"${tag}" is not a tag; expected lower-case letters, digits and hyphens`);
  await withLock(`host-${name}`, async () => {
    const state = readState(name);
    if (state === undefined) throw new Error(`there is no lab host ${name}`);
    if (isHostRunning(state)) throw new Error(`${name} is running: stop it first, with --keep-disk`);
    if (existsSync(snapshotDir(tag))) throw new Error(`there is a snapshot ${tag} already`);
    const aside = `${snapshotDir(tag)}.aside`;
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside, { recursive: true });
    await copyFile(join(hostDir(name), HOST_FILES.variables), join(aside, HOST_FILES.variables));
    await writeFile(
      join(aside, HOST_FILES.state),
      JSON.stringify({ description: state.description, image: state.image }),
    );
    await rename(join(hostDir(name), HOST_FILES.disk), join(aside, HOST_FILES.disk));
    await rename(aside, snapshotDir(tag));
    await overlay(join(hostDir(name), HOST_FILES.disk), {
      disk: join(snapshotDir(tag), HOST_FILES.disk),
      format: "qcow2",
    });
  });
};

/** The base for a host of `description` from that snapshot, and the image below it. */
export const snapshotBase = async (
  tag: string,
  description: string,
): Promise<DiskBase & { readonly image: string }> => {
  const folder = snapshotDir(tag);
  const tags = await listSnapshots();
  if (!tags.includes(tag))
    throw new Error(`there is no snapshot ${tag}; the snapshots are ${tags.join(", ") || "none"}`);
  const snapshot = await readSnapshot(tag);
  if (snapshot.description !== description) {
    throw new Error(`snapshot ${tag} is of a ${snapshot.description}, not of a ${description}`);
  }
  return {
    disk: join(folder, HOST_FILES.disk),
    format: "qcow2",
    variables: join(folder, HOST_FILES.variables),
    image: snapshot.image,
  };
};

export const listSnapshots = async (): Promise<string[]> => {
  if (!existsSync(snapshotsDir())) return [];
  return (await readdir(snapshotsDir())).filter(isLabName).sort();
};

const readSnapshot = async (tag: string): Promise<z.infer<typeof SNAPSHOT>> =>
  SNAPSHOT.parse(JSON.parse(await readFile(join(snapshotDir(tag), HOST_FILES.state), "utf8")));

/** The ids of the images that snapshots depend on. */
export const snapshotImages = async (): Promise<string[]> => {
  const snapshots = await Promise.all((await listSnapshots()).map(readSnapshot));
  return snapshots.map(({ image }) => image);
};

/** Removes a snapshot; hosts that started from it cannot boot afterwards. */
export const removeSnapshot = async (tag: string): Promise<void> => {
  if (!isLabName(tag)) throw new Error(`${tag}: not a tag`);
  await rm(snapshotDir(tag), { recursive: true, force: true });
};
