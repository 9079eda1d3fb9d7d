import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";

/** What an engine did to one host, or would do. */
export interface HostChanges {
  readonly create: number;
  readonly update: number;
  readonly delete: number;
  readonly replace: number;
}

export const NO_CHANGES: HostChanges = { create: 0, update: 0, delete: 0, replace: 0 };

export const changeCount = (changes: HostChanges): number =>
  changes.create + changes.update + changes.delete + changes.replace;

/** One event of the engine, as it concerns a host. */
export type HostEvent =
  | { readonly kind: "step"; readonly host: string; readonly step: string }
  | { readonly kind: "change"; readonly host: string; readonly change: keyof HostChanges }
  | {
      readonly kind: "says";
      readonly host: string | undefined;
      readonly severity: string;
      readonly text: string;
    };

/** The name in `urn:pulumi:STACK::PROJECT::TYPES::NAME`; it may contain anything, even colons. */
const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** The host of a resource. Resources are named `HOST` or `HOST:WHAT`. */
const hostOf = (urn: string | undefined, hosts: readonly string[]): string | undefined => {
  const name = nameOf(urn ?? "").split(":")[0];
  return hosts.find((host) => host === name);
};

const CHANGES: Readonly<Record<string, keyof HostChanges>> = {
  create: "create",
  import: "create",
  update: "update",
  delete: "delete",
  discard: "delete",
  replace: "replace",
  "create-replacement": "replace",
  "import-replacement": "replace",
};

const stripColor = (text: string): string => text.replaceAll(/<\{%[^%]*%\}>/g, "");

/** Reads one event of Pulumi's engine. Events that concern no host and report no error give nothing. */
export const hostEvents = (event: EngineEvent, hosts: readonly string[]): readonly HostEvent[] => {
  const { resourcePreEvent: before, resOutputsEvent: after, diagnosticEvent: said } = event;
  if (before) {
    const { op, urn, type } = before.metadata;
    const host = hostOf(urn, hosts);
    if (
      host === undefined ||
      op === "same" ||
      op === "read" ||
      (!type.includes(":remote:") && !type.startsWith("libvirt:"))
    )
      return [];
    return [{ kind: "step", host, step: nameOf(urn).slice(host.length + 1) || host }];
  }
  if (after) {
    const { op, urn } = after.metadata;
    const host = hostOf(urn, hosts);
    const change = CHANGES[op];
    return host === undefined || change === undefined ? [] : [{ kind: "change", host, change }];
  }
  // Debug messages hold every input, private keys as well.
  if (said && !said.ephemeral && said.severity !== ("debug" as string)) {
    const text = stripColor(`${said.prefix ?? ""}${said.message}`).trim();
    return text === ""
      ? []
      : [{ kind: "says", host: hostOf(said.urn, hosts), severity: said.severity, text }];
  }
  return [];
};

export const addChange = (changes: HostChanges, change: keyof HostChanges): HostChanges => ({
  ...changes,
  [change]: changes[change] + 1,
});
