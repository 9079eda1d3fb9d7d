import type { InitramfsDriver } from "../../plan/driver.ts";
import { dracut } from "./dracut/driver.ts";
import { initramfsTools } from "./initramfs-tools/driver.ts";
import { mkinitcpio } from "./mkinitcpio/driver.ts";

/** Every initramfs generator that is known, the first that detects itself is it; a new one is a file and a line here. */
export const initramfsGenerators = { dracut, "initramfs-tools": initramfsTools, mkinitcpio } satisfies Record<
  string,
  InitramfsDriver
>;
