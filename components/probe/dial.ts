import type { ConnectionSecrets, ConnectionSpec } from "../ssh/connection-schema.ts";
import { resolveConnection, type Connection } from "../ssh/connection.ts";
import { SHELL } from "./shell.ts";
import { FIRST_BYTES, FIRST_QUESTION } from "./first-question.ts";
import { openHost, type Started } from "../ssh/session.ts";

export interface DialledHost {
  readonly connection: Connection;
  /** a shell that was asked the first question; rejected with what openHost throws */
  readonly opened: Promise<{ readonly shell: Started; readonly end: () => void }>;
}

/** The connection a description seems to have. The schema is not loaded yet; it judges before anything is asked. */
const dial = (
  description: unknown,
  secrets: ConnectionSecrets = {},
  onFirst: (chunk: Buffer) => void,
): DialledHost | undefined => {
  try {
    const { connection } = description as { connection: ConnectionSpec };
    const resolved = resolveConnection("", connection, secrets);
    if (!resolved.ok) return undefined;
    let bytes = 0;
    const first = (chunk: Buffer): void => {
      if (bytes < FIRST_BYTES) onFirst(chunk);
      bytes += chunk.length;
    };
    const opened = openHost(resolved.value).then((host) => ({
      shell: host.start(SHELL, FIRST_QUESTION, first),
      end: host.end,
    }));
    // whoever asks for it is told; until then it is no unhandled failure
    opened.catch(() => {});
    return { connection: resolved.value, opened };
  } catch {
    return undefined;
  }
};

/**
 * Starts to connect to every host of a stack's raw configuration, and a shell on it. What cannot be understood here is left out: reading the stack as a whole tells about it.
 * @param onFirst gets the first of what a host's shell prints, as it comes
 */
export const dialHosts = (
  raw: { readonly hosts: unknown; readonly secrets?: unknown },
  onFirst: (host: string, chunk: Buffer) => void,
): ReadonlyMap<string, DialledHost> => {
  const secrets = (raw.secrets ?? {}) as Readonly<Record<string, ConnectionSecrets>>;
  return new Map(
    Object.entries(raw.hosts ?? {}).flatMap(([name, description]) => {
      const dialled = dial(description, secrets[name], (chunk) => onFirst(name, chunk));
      return dialled ? [[name, dialled] as const] : [];
    }),
  );
};
