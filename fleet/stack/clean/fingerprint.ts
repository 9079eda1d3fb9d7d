import { createHash } from "node:crypto";
import type { Checkpoint } from "./checkpoint.ts";
import type { HostState } from "./settled.ts";

/** What a stack looked like when it was last seen clean. It is kept beside the logs for comparison. */
export interface CleanRecord {
  readonly fingerprint: string;
  /** the state's version */
  readonly state: string;
}

/** Everything except the host that decides what the program declares. */
export interface FingerprintInput {
  readonly stack: string;
  /** A digest of the program's sources; see program.ts. */
  readonly program: string;
  /** The stack file and the project file, byte for byte. */
  readonly config: string;
  readonly hosts: readonly (HostState & { readonly kind: "settled" })[];
}

/**
 * One digest of everything that the program would declare. Only digests are kept, because connections hold private
 * keys.
 */
export const fingerprint = (input: FingerprintInput): string =>
  createHash("sha256").update(JSON.stringify(input)).digest("hex");

/**
 * Whether the state holds exactly these tokens: each step's command was called with the token in its receipt on the
 * host. Then the state and the host come from the same `up`.
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
