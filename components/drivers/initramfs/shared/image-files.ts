import { createHash } from "node:crypto";
import { BIND_LIST } from "../../../plan/kernel/binding.ts";
import type { Effect } from "../../../plan/kernel/effects.ts";
import type { ManagedFile } from "../../../plan/step.ts";

/**
 * What an image has to hold of the files that are written: options of modules, the list of functions, and the script
 * that binds, which lies elsewhere in it.
 * @param scripts path on the host -> path in the image
 */
export const imageFiles = (
  files: readonly ManagedFile[],
  scripts: Readonly<Record<string, string>>,
): readonly Effect[] =>
  files.flatMap((file) => {
    const path =
      scripts[file.path] ??
      (file.path.startsWith("/etc/modprobe.d/") || file.path === BIND_LIST ? file.path : undefined);
    if (path === undefined) return [];
    const sha256 = createHash("sha256").update(file.content).digest("hex");
    return [{ kind: "image-file" as const, path, sha256 }];
  });
