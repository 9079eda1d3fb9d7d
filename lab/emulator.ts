/** The QEMU that lab hosts run on: the one that `./setup` has put into the cache, else the one on PATH. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "./paths.ts";

/** A program and the arguments that it always gets. */
export const emulator = (): readonly [program: string, ...args: string[]] => {
  const folder = join(cacheDir(), "toolchain/qemu-10");
  const program = join(folder, "usr/bin/qemu-system-x86_64");
  // it looks for the cards' video BIOS beside itself otherwise, where the backport has none
  return existsSync(program)
    ? [program, "-L", join(folder, "usr/share/qemu"), "-L", "/usr/share/seabios"]
    : ["qemu-system-x86_64"];
};
