import { readFileSync } from "node:fs";
import { AGENT } from "../core/agent-path.ts";
import type { HostDrivers } from "../core/driver.ts";
import type { Facts } from "../core/facts.ts";

const shellPart = (url: URL): string => readFileSync(url, "utf8");

/**
 * The agent for one host: the verbs, and the drivers of the tools that this host uses. Without drivers it is what an
 * administrator installs for a login that may do no more: it can be replaced by a whole one.
 */
export const agentScript = (drivers?: HostDrivers): string =>
  [
    new URL("../host/agent.sh", import.meta.url),
    new URL("../host/lease.sh", import.meta.url),
    new URL("../host/boot.sh", import.meta.url),
    ...(drivers?.bootloader.scripts ?? []),
    ...(drivers?.initramfs.scripts ?? []),
    ...(drivers?.distro.scripts ?? []),
    new URL("../host/libvirt.sh", import.meta.url),
    new URL("../host/holders.sh", import.meta.url),
    new URL("../host/domain.sh", import.meta.url),
    new URL("../host/hand-over.sh", import.meta.url),
    new URL("../host/rom.sh", import.meta.url),
    new URL("../host/rom-file.sh", import.meta.url),
    new URL("../host/main.sh", import.meta.url),
  ]
    .map(shellPart)
    .join("");

/** The agent that a host should have, and the token of its receipt where it has just that one. */
export const agentState = (
  facts: Facts,
  drivers: HostDrivers,
): { readonly script: string; readonly so: boolean; readonly token: string | undefined } => {
  const script = agentScript(drivers);
  const found = facts.files[AGENT];
  const so = found?.content === script && found.mode === "755";
  return { script, so, token: so ? facts.receipts["agent"]?.token : undefined };
};
