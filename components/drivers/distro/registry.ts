import type { DistroDriver } from "../../plan/driver.ts";
import { arch } from "./arch/driver.ts";
import { debian } from "./debian/driver.ts";
import { proxmox } from "./proxmox/driver.ts";
import { ubuntu } from "./ubuntu/driver.ts";

/** Every distribution that is known, the most special first; a new one is a file and a line here. */
export const distros = { proxmox, ubuntu, debian, arch } satisfies Record<string, DistroDriver>;
