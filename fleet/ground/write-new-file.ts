import { randomUUID } from "node:crypto";
import { link, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CommandError } from "./command-error.ts";
import { printable } from "./terminal.ts";
import { describeFsError } from "./fs-error.ts";

const NO_HARD_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

const writeWhole = async (path: string, bytes: Uint8Array): Promise<void> => {
  const file = await open(path, "wx", 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
};

/** Gives a file a second name; fails where that name is taken, even by a link that leads nowhere. */
const linkNew = async (from: string, to: string): Promise<void> => {
  try {
    await link(from, to);
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

/** Writes beside the path and then gives it the name: whole or not at all. */
const writeAtomically = async (
  path: string,
  bytes: Uint8Array,
  giveName: (aside: string, path: string) => Promise<void>,
): Promise<void> => {
  const aside = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    try {
      await writeWhole(aside, bytes);
      await giveName(aside, path);
    } finally {
      await unlink(aside).catch(() => {
        // It has its name now, or was never made; why not is the error that matters, and is on its way.
      });
    }
  } catch (error) {
    throw describeFsError(error, path, "write");
  }
};

/**
 * Writes a file that must not exist yet: whole or not at all, and never over another one. Throws a CommandError
 * that names the file and the reason.
 */
export const writeNewFile = (path: string, bytes: Uint8Array): Promise<void> =>
  writeAtomically(path, bytes, linkNew);

/** The same over whatever file is there. */
export const replaceFile = (path: string, bytes: Uint8Array): Promise<void> =>
  writeAtomically(path, bytes, rename);
