import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { CardSpec } from "../plan/kernel/kernel-spec.ts";
import { MAX_ROM_SIZE } from "../option-rom/model.ts";
import type { GivenRom } from "../plan/rom/rom-plan.ts";

const read = (file: string): GivenRom => {
  const path = file.startsWith("~/") ? join(homedir(), file.slice(2)) : resolve(file);
  try {
    const found = statSync(path);
    if (!found.isFile()) return { ok: false, reason: `${file} is not a file` };
    if (found.size > MAX_ROM_SIZE)
      return { ok: false, reason: `${file} has ${found.size} bytes: no option ROM is that large` };
    return { ok: true, bytes: readFileSync(path) };
  } catch (error) {
    return {
      ok: false,
      reason: `cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
};

/** Reads the files that cards name in `rom: {file}`, by card; relative paths start at the working directory. */
export const readCardRoms = (cards: Readonly<Record<string, CardSpec>>): Record<string, GivenRom> =>
  Object.fromEntries(
    Object.entries(cards).flatMap(([name, { rom }]) =>
      rom && "file" in rom ? [[name, read(rom.file)]] : [],
    ),
  );
