import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { replaceFile } from "../../ground/write-file.ts";
import type { CleanRecord } from "./fingerprint.ts";

const recordSchema = z.strictObject({ fingerprint: z.string(), state: z.string() });

/** The record's file. Its name holds the backend, because two backends may have stacks of the same name. */
const fileOf = (folder: string, backend: string, stack: string): string =>
  join(folder, `${stack}.${createHash("sha256").update(backend).digest("hex").slice(0, 12)}.json`);

/** Reads a record. An unreadable record counts as missing, so that the engine runs. */
export const readRecord = (folder: string, backend: string, stack: string): CleanRecord | undefined => {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(fileOf(folder, backend, stack), "utf8")));
  } catch {
    return undefined;
  }
};

/** Writes a record atomically, or deletes it. */
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
