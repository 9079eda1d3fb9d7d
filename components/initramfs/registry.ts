import type { InitramfsDriver } from "../core/driver.ts";
import { dracut } from "./dracut.ts";
import { initramfsTools } from "./initramfs-tools.ts";

/** Every initramfs generator that is known, the first that detects itself is it; a new one is a file and a line here. */
export const initramfsGenerators = { dracut, "initramfs-tools": initramfsTools } satisfies Record<
  string,
  InitramfsDriver
>;
