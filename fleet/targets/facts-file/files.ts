import { readFileSync } from "node:fs";
import { CommandError } from "../../ground/command-error.ts";
import { formatJson, printable } from "../../ground/terminal.ts";
import { describeFsError } from "../../ground/fs-error.ts";
import { writeNewFile } from "../../ground/write-file.ts";
import { documentSchema, type FactsDocument } from "./document.ts";
import { upgraded } from "./upgrade.ts";

/** Reads a file that `inspect --save` wrote; `-` is standard input. Throws a CommandError that names the mistake. */
export const readDocument = (path: string): FactsDocument => {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path === "-" ? 0 : path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new CommandError(
        `${printable(path)} is not JSON (${printable(error.message)}); expected a file that vfio-fleet inspect --save wrote`,
        { cause: error },
      );
    throw describeFsError(error, path, "read");
  }
  const parsed = documentSchema.safeParse(upgraded(value));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new CommandError(
    `${printable(path)} is not a facts file (docs/facts.schema.json): ${printable(issues.join("; "))}`,
  );
};

/** Writes a document to a file that does not exist yet. Throws a CommandError that names what is wrong. */
export const saveDocument = (path: string, document: FactsDocument): void =>
  writeNewFile(path, `${formatJson(document)}\n`);
