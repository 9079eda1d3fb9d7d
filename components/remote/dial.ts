import type { ConnectionSecrets, ConnectionSpec } from "./connection-schema.ts";
import { resolveConnection, type Connection } from "./connection.ts";
import { openHost, type OpenHost } from "./session.ts";

export interface DialledHost {
  readonly connection: Connection;
  /** rejected with what openHost throws */
  readonly opened: Promise<OpenHost>;
}

/** The connection a description seems to have. The schema is not loaded yet; it judges before anything is asked. */
const dial = (description: unknown, secrets: ConnectionSecrets = {}): DialledHost | undefined => {
  try {
    const { connection } = description as { connection: ConnectionSpec };
    const resolved = resolveConnection("", connection, secrets);
    if (!resolved.ok) return undefined;
    const opened = openHost(resolved.value);
    // whoever asks for it is told; until then it is no unhandled failure
    opened.catch(() => {});
    return { connection: resolved.value, opened };
  } catch {
    return undefined;
  }
};

/**
 * Starts to connect to every host of a stack's raw configuration. What cannot be understood here is left out: reading the stack as a whole tells about it.
 */
export const dialHosts = (raw: {
  readonly hosts: unknown;
  readonly secrets?: unknown;
}): ReadonlyMap<string, DialledHost> => {
  const secrets = (raw.secrets ?? {}) as Readonly<Record<string, ConnectionSecrets>>;
  return new Map(
    Object.entries(raw.hosts ?? {}).flatMap(([name, description]) => {
      const dialled = dial(description, secrets[name]);
      return dialled ? [[name, dialled] as const] : [];
    }),
  );
};
