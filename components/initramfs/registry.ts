import type { InitramfsDriver } from "../core/driver.ts";
import { dracut } from "./dracut.ts";
import { initramfsTools } from "./initramfs-tools.ts";
import { mkinitcpio } from "./mkinitcpio.ts";

/** Every initramfs generator that is known, the first that detects itself is it; a new one is a file and a line here. */
export const initramfsGenerators = { dracut, "initramfs-tools": initramfsTools, mkinitcpio } satisfies Record<
  string,
  InitramfsDriver
>;
