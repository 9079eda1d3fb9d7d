import type { DistroDriver } from "../core/driver.ts";
import { arch } from "./arch.ts";
import { debian } from "./debian.ts";
import { proxmox } from "./proxmox.ts";
import { ubuntu } from "./ubuntu.ts";

/** Every distribution that is known, the most special first; a new one is a file and a line here. */
export const distros = { proxmox, ubuntu, debian, arch } satisfies Record<string, DistroDriver>;
