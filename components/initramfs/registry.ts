import type { InitramfsDriver } from "../core/driver.ts";
import { initramfsTools } from "./initramfs-tools.ts";

/** Every initramfs generator that is known; a new one is a file and a line here. */
export const initramfsGenerators = { "initramfs-tools": initramfsTools } satisfies Record<
  string,
  InitramfsDriver
>;
