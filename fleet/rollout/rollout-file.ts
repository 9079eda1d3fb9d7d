import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { replaceFile } from "../ground/write-file.ts";

const schema = z.strictObject({
  started: z.string(),
  /** The options that made the waves, in words. */
  shape: z.string(),
  waves: z.array(z.array(z.string())),
  proved: z.array(z.string()),
});

/** A roll-out that is under way or was interrupted. */
export type Rollout = Readonly<z.infer<typeof schema>>;

/** One file for each selection of stacks, so that two racks can roll out in parallel. */
const fileOf = (folder: string, stacks: readonly string[]): string =>
  join(
    folder,
    `rollout.${createHash("sha256")
      .update(JSON.stringify(stacks.toSorted()))
      .digest("hex")
      .slice(0, 12)}.json`,
  );

/** The unfinished roll-out of exactly these stacks in waves of this shape. */
export const readRollout = (
  folder: string,
  stacks: readonly string[],
  shape: string,
): Rollout | undefined => {
  try {
    const found = schema.parse(JSON.parse(readFileSync(fileOf(folder, stacks), "utf8")));
    return found.shape === shape ? found : undefined;
  } catch {
    return undefined;
  }
};

export const writeRollout = (folder: string, stacks: readonly string[], rollout: Rollout): void => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  replaceFile(fileOf(folder, stacks), `${JSON.stringify(rollout)}\n`, 0o600);
};

export const endRollout = (folder: string, stacks: readonly string[]): void =>
  rmSync(fileOf(folder, stacks), { force: true });
