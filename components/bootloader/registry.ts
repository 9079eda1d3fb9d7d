import type { BootloaderDriver } from "../core/driver.ts";
import { grub } from "./grub.ts";

/** Every boot loader that is known; a new one is a file and a line here. */
export const bootloaders = { grub } satisfies Record<string, BootloaderDriver>;
