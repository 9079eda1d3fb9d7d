import { readFile, stat } from "node:fs/promises";
import { MAX_ROM_SIZE, type ParsedRom } from "../../components/option-rom/model.ts";
import { parseOptionRom } from "../../components/option-rom/parse.ts";
import { CommandError } from "../ground/command-error.ts";
import { describeFsError } from "../ground/fs-error.ts";
import { printable } from "../ground/terminal.ts";

export interface RomFile {
  /** Bytes. */
  readonly size: number;
  /** Undefined for a file that is too large to be a ROM and was not read. */
  readonly bytes: Uint8Array | undefined;
  readonly parsed: ParsedRom;
}

/** Reads and parses a ROM file. Throws a CommandError when it cannot be read. */
export const readRom = async (path: string): Promise<RomFile> => {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new CommandError(`${printable(path)} is not a file; expected a ROM dump`);
    if (found.size > MAX_ROM_SIZE) {
      const parsed = { ok: false, fault: { kind: "too-large", size: found.size } } as const;
      return { size: found.size, bytes: undefined, parsed };
    }
    const bytes = await readFile(path);
    return { size: bytes.length, bytes, parsed: parseOptionRom(bytes) };
  } catch (error) {
    throw describeFsError(error, path, "read");
  }
};
