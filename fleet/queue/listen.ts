import { Client } from "pg";
import { z } from "zod";
import { CHANNEL } from "./boss.ts";

const wordSchema = z.strictObject({ job: z.string(), host: z.string(), step: z.string() });
export type Word = Readonly<z.infer<typeof wordSchema>>;

/** Longest step text in a message: PostgreSQL takes less than 8000 bytes. */
const MAX_STEP = 1000;

/** A separate connection for steps as they happen. If it is lost, only the live view is lost. */
export const openWords = async (url: string): Promise<Client | undefined> => {
  const client = new Client({ connectionString: url });
  client.on("error", () => {});
  try {
    await client.connect();
    return client;
  } catch {
    return undefined;
  }
};

export const sayWord = (client: Client | undefined, word: Word): void => {
  const text = JSON.stringify({ ...word, step: word.step.slice(0, MAX_STEP) });
  client?.query("select pg_notify($1, $2)", [CHANNEL, text]).catch(() => {});
};

export const hearWords = async (client: Client | undefined, onWord: (word: Word) => void): Promise<void> => {
  client?.on("notification", ({ payload }) => {
    const word = wordSchema.safeParse(JSON.parse(payload ?? "{}"));
    if (word.success) onWord(word.data);
  });
  await client?.query(`listen ${CHANNEL}`).catch(() => {});
};
