import { randomUUID } from "node:crypto";
import { linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CommandError } from "./command-error.ts";
import { printable } from "./terminal.ts";
import { describeFsError } from "./fs-error.ts";

const NO_HARD_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/** Gives a file a second name; fails where that name is taken, even by a link that leads nowhere. */
const linkNew = (from: string, to: string): void => {
  try {
    linkSync(from, to);
  } catch (error) {
    if (error instanceof Error && "code" in error && NO_HARD_LINKS.has(String(error.code))) {
      throw new CommandError(
        `cannot write ${printable(to)}: its file system has no hard links, which keep a new file from replacing another; choose another folder`,
        { cause: error },
      );
    }
    throw error;
  }
};

/**
 * Writes beside the path and then gives it the name: whole or not at all. Synchronous, so that of two writes the later one
 * stays. Not write-file-atomic: on a full disk it replaces a good file with half a one and reports nothing (7.0.1, 8.0.0).
 */
const writeAtomically = (
  path: string,
  content: string | Uint8Array,
  mode: number,
  giveName: (aside: string, path: string) => void,
): void => {
  const aside = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    try {
      writeFileSync(aside, content, { flag: "wx", mode, flush: true });
      giveName(aside, path);
    } finally {
      rmSync(aside, { force: true });
    }
  } catch (error) {
    throw describeFsError(error, path, "write");
  }
};

/**
 * Writes a file that must not exist yet: whole or not at all, and never over another one. Throws a CommandError
 * that names the file and the reason.
 */
export const writeNewFile = (path: string, content: string | Uint8Array): void =>
  writeAtomically(path, content, 0o644, linkNew);

/** The same over a file that may be there. */
export const replaceFile = (path: string, content: string | Uint8Array, mode = 0o644): void =>
  writeAtomically(path, content, mode, renameSync);
