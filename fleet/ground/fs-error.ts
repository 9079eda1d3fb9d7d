import { CommandError } from "./command-error.ts";
import { printable } from "./terminal.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted there",
  EEXIST: "the file exists already, and is not overwritten",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is no folder",
  ENOSPC: "the disk is full",
  EROFS: "the file system is read-only",
  EIO: "input/output error: for a card's rom file in sysfs, the card is the boot display, in use or asleep",
};

/** A file system error as one that names the file and says what to make of it; anything else as it is. */
export const describeFsError = (error: unknown, path: string, verb: "read" | "write"): unknown => {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  const reason = REASONS[error.code] ?? error.message;
  return new CommandError(`cannot ${verb} ${printable(path)}: ${reason}`, { cause: error });
};
