/**
 * The QEMU that lab hosts run on: the one that `./setup` has put into the cache, else the one on PATH. On the AMD IOMMU of
 * QEMU 10, Linux 6.12 loses the interrupts of its IO-APIC: such a host has the one on PATH, which works from Debian 12's
 * 7.2 on; see docs/decisions/emulator.md.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { HostDescription } from "../description.ts";
import { cacheDir } from "../paths.ts";

/** A program and the arguments that it always gets. */
export const emulator = (
  host?: Pick<HostDescription, "image" | "vendor">,
): readonly [program: string, ...args: string[]] => {
  const onPath = ["qemu-system-x86_64"] as const;
  if (host?.vendor === "amd" && host.image === "debian-13") return onPath;
  const folder = join(cacheDir(), "toolchain/qemu-10");
  const program = join(folder, "usr/bin/qemu-system-x86_64");
  // it looks for the cards' video BIOS beside itself otherwise, where the backport has none
  return existsSync(program)
    ? [program, "-L", join(folder, "usr/share/qemu"), "-L", "/usr/share/seabios"]
    : onPath;
};
