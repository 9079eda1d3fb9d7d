import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { replaceFile } from "../../ground/write-file.ts";
import type { CleanRecord } from "./fingerprint.ts";

const recordSchema = z.strictObject({ fingerprint: z.string(), state: z.string() });

/** Stacks of one name in two backends are two stacks. */
const fileOf = (folder: string, backend: string, stack: string): string =>
  join(folder, `${stack}.${createHash("sha256").update(backend).digest("hex").slice(0, 12)}.json`);

/** A record that cannot be read is none: the engine is asked then. */
export const readRecord = (folder: string, backend: string, stack: string): CleanRecord | undefined => {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(fileOf(folder, backend, stack), "utf8")));
  } catch {
    return undefined;
  }
};

/** Writes a record, or takes the one that is there away. */
export const writeRecord = (
  folder: string,
  backend: string,
  stack: string,
  record: CleanRecord | undefined,
): void => {
  const file = fileOf(folder, backend, stack);
  if (record === undefined) return rmSync(file, { force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  replaceFile(file, `${JSON.stringify(record)}\n`, 0o600);
};
