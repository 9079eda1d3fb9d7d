import { readFileSync } from "node:fs";
import { AGENT } from "../facts/programs.ts";
import type { HostDrivers } from "../plan/driver.ts";
import type { Facts } from "../facts/facts.ts";
import { AGENT_KEY, type Step } from "../plan/step.ts";

const COMPONENTS = new URL("../", import.meta.url).href;

/** A part under a line that names its file: a line of the whole is found again by it. */
const shellPart = (url: URL): string =>
  `\n# ==== components/${url.href.slice(COMPONENTS.length)} ====\n${readFileSync(url, "utf8")}`;

/**
 * The agent for one host: the verbs, and the drivers of the tools that this host uses. Without drivers it is what an
 * administrator installs for a login that may do no more: it can be replaced by a whole one. The order counts for two
 * parts: a driver's function stands behind the default of the same name, and main.sh calls what is there by then.
 */
export const agentScript = (drivers?: HostDrivers): string =>
  `#!/bin/sh${[
    new URL("agent.sh", import.meta.url),
    new URL("lock.sh", import.meta.url),
    new URL("effects.sh", import.meta.url),
    new URL("image.sh", import.meta.url),
    new URL("boot.sh", import.meta.url),
    new URL("driver-defaults.sh", import.meta.url),
    ...(drivers?.bootloader.scripts ?? []),
    ...(drivers?.initramfs.scripts ?? []),
    ...(drivers?.distro.scripts ?? []),
    new URL("libvirt.sh", import.meta.url),
    new URL("holders.sh", import.meta.url),
    new URL("domain.sh", import.meta.url),
    new URL("hand-over.sh", import.meta.url),
    new URL("rom.sh", import.meta.url),
    new URL("rom-file.sh", import.meta.url),
    new URL("main.sh", import.meta.url),
  ]
    .map(shellPart)
    .join("")}`;

/**
 * The step that installs the agent: the first that is done and the last that is undone.
 * @param leave the words for the agent's own undoing, which puts the boot files back
 */
export const agentStep = (facts: Facts, drivers: HostDrivers, leave: readonly string[]): Step => {
  const script = agentScript(drivers);
  const found = facts.files[AGENT];
  return {
    key: AGENT_KEY,
    verb: "install",
    args: [],
    input: script,
    undo: ["leave", ...leave],
    after: [],
    inPlace: found?.content === script && found.mode === "755",
    minutes: 40,
  };
};
