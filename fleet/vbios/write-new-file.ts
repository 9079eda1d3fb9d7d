import { randomUUID } from "node:crypto";
import { link, open, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CommandError } from "../command-error.ts";
import { printable } from "../terminal.ts";
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

/**
 * Writes a file that must not exist yet: whole or not at all, and never over another one. Throws a CommandError
 * that names the file and the reason.
 */
export const writeNewFile = async (path: string, bytes: Uint8Array): Promise<void> => {
  const aside = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    try {
      await writeWhole(aside, bytes);
      await linkNew(aside, path);
    } finally {
      await unlink(aside).catch(() => {
        // It was never made; why not is the error that matters, and is on its way.
      });
    }
  } catch (error) {
    throw describeFsError(error, path, "write");
  }
};
