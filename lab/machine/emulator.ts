/**
 * The QEMU for lab hosts: the one that `./setup` has put into the cache, else the one on PATH. With QEMU 10's AMD
 * IOMMU, Linux 6.12 loses interrupts of its IO-APIC. Such a host uses the QEMU on PATH, which works from Debian 12's 7.2 on. See docs/decisions/emulator.md.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { HostDescription } from "../description.ts";
import { cacheDir } from "../paths.ts";

/** A program with the arguments that it always needs. */
export const emulator = (
  host?: Pick<HostDescription, "image" | "vendor">,
): readonly [program: string, ...args: string[]] => {
  const onPath = ["qemu-system-x86_64"] as const;
  if (host?.vendor === "amd" && host.image === "debian-13") return onPath;
  const folder = join(cacheDir(), "toolchain/qemu-10");
  const program = join(folder, "usr/bin/qemu-system-x86_64");
  // Without -L it looks for the cards' ROMs beside itself, where the backport has none.
  return existsSync(program)
    ? [program, "-L", join(folder, "usr/share/qemu"), "-L", "/usr/share/seabios"]
    : onPath;
};
