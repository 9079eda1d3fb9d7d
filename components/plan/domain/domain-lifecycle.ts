import { compareDomains, formatDifference } from "./document/compare.ts";
import { readExistingDomain } from "./document/existing.ts";
import { pendingChangesOf, type Pending } from "./document/hot-plug.ts";
import type { ResolvedDomain } from "./resolve/resolved.ts";
import type { Facts } from "../../facts/facts.ts";
import { receiptNotes } from "../receipt.ts";
import { receiptName, type Step } from "../step.ts";

type HostDomain = Facts["libvirt"]["domains"][number];

const NONE: Pending = { atOnce: [], nextStart: [] };

const writtenDigest = (xml: string): string | undefined => {
  const read = readExistingDomain(xml);
  return read.ok ? read.value.owner?.digest : undefined;
};

/** The step that defines the domain, in place. */
const definitionStep = (
  { name, lifecycle }: ResolvedDomain,
  xml: string,
  found: HostDomain | undefined,
  facts: Facts,
  after: readonly string[],
): Step => {
  const { autostart, shutdownTimeoutSeconds, afterTimeout, deleteData } = lifecycle;
  const stored = found?.xml;
  const differences = stored === undefined ? ["it is not defined"] : compareDomains(xml, stored);
  const key = `domain ${name}`;
  // the digest that was written with the definition tells an edit on the host from a change of the stack
  const edited =
    differences.length > 0 &&
    facts.receipts[receiptName(key)] !== undefined &&
    (stored === undefined || writtenDigest(stored) === writtenDigest(xml));
  const startsOtherwise = found !== undefined && found.autostart !== autostart;
  const args = [name, autostart ? "autostart" : "manual"];
  const changed = [
    ...(edited ? differences : []),
    // the same words as the last time: the stack has not changed its mind
    ...(startsOtherwise && receiptNotes(facts, key)?.["asked"] === args.join(" ")
      ? [autostart ? "it does not start with the host" : "it starts with the host"]
      : []),
  ];
  return {
    key,
    verb: "domain",
    args,
    input: xml,
    undo: ["undomain", name, String(shutdownTimeoutSeconds), afterTimeout, ...(deleteData ? ["data"] : [])],
    after,
    // libvirt's own form of the definition comes back, to be compared
    quiet: true,
    minutes: 5 + Math.ceil(shutdownTimeoutSeconds / 60),
    inPlace: differences.length === 0 && !startsOtherwise,
    ...(changed.length > 0 && {
      drift: { kind: "state", found: changed.join("; "), wanted: "as the stack describes it" },
    }),
  };
};

/** The step that brings the domain into the state that the stack names, if it names one. */
const stateStep = (
  { name, lifecycle }: ResolvedDomain,
  running: boolean,
  waits: boolean,
  facts: Facts,
): Step | undefined => {
  const { state, restart, shutdownTimeoutSeconds: seconds, afterTimeout } = lifecycle;
  if (state === "unmanaged") return undefined;
  const key = `run ${name}`;
  const minutes = 5 + Math.ceil(seconds / 60);
  const after = [`domain ${name}`];
  const receipt = facts.receipts[receiptName(key)];
  const wasStopped = receipt?.notes["state"] === "shut-off";
  if (state === "stopped")
    return {
      key,
      verb: "shutdown",
      args: [name, String(seconds), afterTimeout],
      after,
      inPlace: !running,
      minutes,
      ...(wasStopped &&
        running && { drift: { kind: "state", found: `${name} is running`, wanted: "shut off" } }),
    };
  const restarts = restart === "when-needed";
  return {
    key,
    verb: "run",
    args: [name, ...(restarts ? ["restart", String(seconds), afterTimeout] : [])],
    after,
    inPlace: running && !(restarts && waits),
    minutes,
    ...(receipt &&
      !wasStopped &&
      !running && { drift: { kind: "state", found: `${name} is shut off`, wanted: "running" } }),
  };
};

/** What becomes of a domain that is there, or is to be: steps, and what a running one makes of them. */
export const lifecycleOf = (
  domain: ResolvedDomain,
  xml: string,
  facts: Facts,
  before: readonly string[],
): {
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
  readonly pending: readonly string[];
} => {
  const { name, lifecycle } = domain;
  const found = facts.libvirt.domains.find((one) => one.name === name);
  const pending = found?.liveXml === undefined ? NONE : pendingChangesOf(xml, found.liveXml);
  const definition = definitionStep(domain, xml, found, facts, before);
  // what could not be plugged in when the definition came waits; nor is a medium put back that the guest has ejected
  const waiting = [...pending.nextStart, ...(definition.inPlace ? pending.atOnce : [])].map(formatDifference);
  const state = stateStep(domain, found?.running ?? false, waiting.length > 0, facts);
  const restarts = lifecycle.state === "running" && lifecycle.restart === "when-needed";
  const warnings = [
    ...(pending.atOnce.length > 0 && !definition.inPlace
      ? [`${name} runs on and gets at once: ${pending.atOnce.map(formatDifference).join("; ")}`]
      : []),
    ...(waiting.length > 0
      ? [
          restarts
            ? `${name} will be shut down and started again, as restart: when-needed says, for: ${waiting.join("; ")}`
            : `${name} runs on; pending until its next start: ${waiting.join("; ")}`,
        ]
      : []),
  ];
  return { steps: [definition, ...(state ? [state] : [])], warnings, pending: waiting };
};
