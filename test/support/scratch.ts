import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";
const ENOUGH = 256 * 2 ** 20;

/**
 * The folder of made-up hosts with their thousands of small files: TMPDIR, or else a folder in memory. A file in
 * memory costs a twentieth of one on a disk. Memory is not used if it is full, or if programs cannot be started there
 * (often in containers).
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
