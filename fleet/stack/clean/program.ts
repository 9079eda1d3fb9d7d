import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "../stack-file.ts";

/** Everything that decides what the program declares; the fleet command is no part of it. */
const SOURCES = ["Pulumi.yaml", "index.ts", "package-lock.json", "components", "sdks", "stacks"];

/** Excluded files. Each stack file is part of its own stack's fingerprint only. */
const OTHERS = /^node_modules$|^Pulumi\..+\.yaml$/;

const files = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => !OTHERS.test(name))
        .sort()
        .flatMap((name) => files(join(path, name)))
    : [path];

/** A digest of the program as it is on disk now. */
export const programDigest = (root = PROJECT): string => {
  const hash = createHash("sha256");
  for (const file of SOURCES.flatMap((name) => files(join(root, name))))
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update("\0");
  return hash.digest("hex");
};
