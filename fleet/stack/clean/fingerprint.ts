import { createHash } from "node:crypto";
import type { Checkpoint } from "./checkpoint.ts";
import type { HostState } from "./settled.ts";

/** What was there when a stack was last seen to be clean; kept beside the logs, so that it can be compared. */
export interface CleanRecord {
  readonly fingerprint: string;
  /** the state's version */
  readonly state: string;
}

/** Everything beside the host that decides what the program declares. */
export interface FingerprintInput {
  readonly stack: string;
  /** of the program's sources; see program.ts */
  readonly program: string;
  /** the stack file and the project's, byte for byte */
  readonly config: string;
  readonly hosts: readonly (HostState & { readonly kind: "settled" })[];
}

/** One digest of all that the program would declare. Digests only are kept: connections hold private keys. */
export const fingerprint = (input: FingerprintInput): string =>
  createHash("sha256").update(JSON.stringify(input)).digest("hex");

/**
 * Whether the state holds just these tokens: each step's command in it was called with the token that its receipt on the
 * host has. It says that host and state come from the same `up`.
 */
export const stateAgrees = (
  checkpoint: Checkpoint,
  hosts: readonly { readonly name: string; readonly state: HostState & { readonly kind: "settled" } }[],
): boolean => {
  if (checkpoint.pending > 0) return false;
  const wanted = hosts.flatMap(({ name, state }) =>
    Object.entries(state.tokens).map(([key, token]) => [`${name}:${key}`, token] as const),
  );
  return (
    wanted.length === Object.keys(checkpoint.commands).length &&
    wanted.every(([name, token]) => `${checkpoint.commands[name] ?? ""} `.includes(`token=${token} `))
  );
};
