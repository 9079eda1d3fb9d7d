/** A new host's disks: an overlay, and a copy of the firmware's variables. */
import { execa } from "execa";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { HostDescription } from "../description.ts";
import { hostDir } from "../paths.ts";
import { HOST_FILES } from "./qemu-args.ts";

/** The base of a new disk. */
export interface DiskBase {
  readonly disk: string;
  readonly format: "raw" | "qcow2";
  readonly variables: string;
}

/** Empties the instance's folder and puts new disks into it. */
export const newDisks = async (name: string, host: HostDescription, base: DiskBase): Promise<void> => {
  const folder = hostDir(name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await copyFile(base.variables, join(folder, HOST_FILES.variables));
  const cards = host.rootPorts.flatMap((port) => (port.kind === "card" ? [port.card] : port.cards));
  for (const card of cards) {
    for (const fn of card.functions) {
      if (fn.kind !== "disk") continue;
      await execa("qemu-img", [
        "create",
        "-q",
        "-f",
        "qcow2",
        join(folder, `disk-${card.name}.qcow2`),
        `${fn.sizeMiB}M`,
      ]);
    }
  }
  // This disk is written last, because a folder with it counts as a host that can boot.
  await overlay(join(folder, HOST_FILES.disk), base);
};

/** Makes an empty overlay. */
export const overlay = async (file: string, base: Pick<DiskBase, "disk" | "format">): Promise<void> => {
  await execa("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base.disk, "-F", base.format, file]);
};
