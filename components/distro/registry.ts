import type { DistroDriver } from "../core/driver.ts";
import { debian } from "./debian.ts";

/** Every distribution that is known; a new one is a file and a line here. */
export const distros = { debian } satisfies Record<string, DistroDriver>;
