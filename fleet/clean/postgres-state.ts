import { Client } from "pg";
import { databaseError } from "../database.ts";

/** @throws {CommandError} when the database cannot be asked */
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
  // a connection that breaks while nobody asks is no error of its own
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

/** Digests of states, made by the database: ten thousand states need not travel to see that none has changed. */
export const stateDigests = (
  url: string,
  keys: readonly string[],
): Promise<readonly { readonly key: string; readonly digest: string }[]> =>
  withTable(url, [], async (client, table) => {
    const { rows } = await client.query<{ key: string; digest: string }>(
      // each state is JSON with its bytes as base64 (pulumi: backend/diy/postgres/bucket.go)
      `select key, encode(sha256(decode(data->>'data', 'base64')), 'hex') as digest from ${table} where key = any($1)`,
      [keys],
    );
    return rows;
  });

/** States as they are stored. */
export const stateData = (url: string, keys: readonly string[]): Promise<readonly Buffer[]> =>
  withTable(url, [], async (client, table) => {
    const { rows } = await client.query<{ data: string }>(
      `select data->>'data' as data from ${table} where key = any($1)`,
      [keys],
    );
    return rows.map(({ data }) => Buffer.from(data, "base64"));
  });
