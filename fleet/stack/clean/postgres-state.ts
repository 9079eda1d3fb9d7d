import { Client } from "pg";
import { databaseError } from "../../ground/database.ts";

/** @throws {CommandError} when the database does not answer */
const withTable = async <T>(
  url: string,
  absent: T,
  ask: (client: Client, table: string) => Promise<T>,
): Promise<T> => {
  const at = new URL(url);
  // Pulumi's own setting for the table's name (pulumi: backend/diy/postgres)
  const table = at.searchParams.get("table") ?? "pulumi_state";
  at.searchParams.delete("table");
  const client = new Client({ connectionString: at.href });
  // An error between two queries is reported by the next query.
  client.on("error", () => {});
  try {
    await client.connect();
    const known = await client.query<{ found: string | null }>("select to_regclass($1) as found", [table]);
    return known.rows[0]?.found === null ? absent : await ask(client, client.escapeIdentifier(table));
  } catch (error) {
    throw databaseError(url, error);
  } finally {
    await client.end().catch(() => {});
  }
};

/**
 * Versions of states: the transaction that wrote a row (PostgreSQL: system column xmin). This tells that ten thousand
 * states have not changed without reading them. A copied state gets another version.
 */
export const stateVersions = (
  url: string,
  keys: readonly string[],
): Promise<readonly { readonly key: string; readonly version: string }[]> =>
  withTable(url, [], async (client, table) => {
    const { rows } = await client.query<{ key: string; version: string }>(
      `select key, xmin::text as version from ${table} where key = any($1)`,
      [keys],
    );
    return rows;
  });

/** States as they are stored, each with its version. */
export const stateData = (
  url: string,
  keys: readonly string[],
): Promise<readonly { readonly data: Buffer; readonly version: string }[]> =>
  withTable(url, [], async (client, table) => {
    const { rows } = await client.query<{ data: string; version: string }>(
      // Each state is JSON with its bytes as base64 (Pulumi: backend/diy/postgres/bucket.go).
      `select data->>'data' as data, xmin::text as version from ${table} where key = any($1)`,
      [keys],
    );
    return rows.map(({ data, version }) => ({ data: Buffer.from(data, "base64"), version }));
  });
