import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";
const ENOUGH = 256 * 2 ** 20;

/**
 * Where made-up hosts lie, with their thousands of small files: TMPDIR, else in memory, where making a file costs a twentieth
 * of what it does on a disk. Memory without room, or in which no program can be started (a container's, often), is passed over.
 */
export const scratch = (): string => {
  if (process.env["TMPDIR"] !== undefined) return tmpdir();
  let folder: string | undefined;
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < ENOUGH) return tmpdir();
    folder = mkdtempSync(join(MEMORY, "vfio-fleet-"));
    writeFileSync(join(folder, "program"), "#!/bin/sh\n", { mode: 0o755 });
    execFileSync(join(folder, "program"));
    return MEMORY;
  } catch {
    return tmpdir();
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  }
};
