import { createHash } from "node:crypto";
import type { HostFile } from "../facts/facts.ts";
import { ProbeAnswerError, sectionsIn } from "./sections.ts";

/** What stat said of a file. */
interface Announced {
  /** a boot image: its size and time are all that is wanted */
  readonly image: boolean;
  readonly size: number;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly modified: string;
  readonly path: string;
}

const announced = (lines: readonly string[], images: ReadonlySet<string>): Announced[] =>
  lines.flatMap((line) => {
    const match = /^(\d+) (\d+) (\S+) (\S+) (\d+) (.*)$/.exec(line);
    if (!match) return [];
    const [, size, mode = "", owner = "", group = "", modified = "", path = ""] = match;
    return [{ size: Number(size), mode, owner, group, modified, path, image: images.has(path) }];
  });

/** An answer's text, and the bytes of files that lie in the middle of it: as many as were announced before them. */
export const cutContents = (
  answer: Buffer,
  nonce: string,
): { readonly text: string; readonly files: readonly Announced[]; readonly contents: Buffer } => {
  const marker = `\n@${nonce} contents\n`;
  const at = answer.indexOf(marker);
  const from = at + marker.length;
  if (at === -1 || !answer.includes(`\n@${nonce} end`, from))
    return { text: answer.toString("utf8"), files: [], contents: Buffer.alloc(0) };
  const head = answer.toString("utf8", 0, from);
  const sections = sectionsIn(head, nonce);
  const files = announced(sections.get("files") ?? [], new Set(sections.get("images")));
  const total = files.reduce((sum, file) => sum + (file.image ? 0 : file.size), 0);
  if (answer.indexOf(`\n@${nonce} `, from + total) !== from + total)
    throw new ProbeAnswerError(
      `files changed while they were read: something else than the announced ${total} bytes came; run it again`,
    );
  return {
    text: head + answer.toString("utf8", from + total),
    files,
    contents: answer.subarray(from, from + total),
  };
};

/** Files with their contents, and `path:bytes:mtime` of the boot images. */
export const files = (
  found: readonly Announced[],
  contents: Buffer,
): { readonly read: Map<string, HostFile>; readonly images: string[] } => {
  let offset = 0;
  const read = new Map(
    found
      .filter((file) => !file.image)
      .map(({ size, mode, owner, group, path }) => {
        const bytes = contents.subarray(offset, (offset += size));
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        // of an option ROM the digest is all that is compared; its bytes belong in no saved or shown facts
        const content = bytes.includes(0) ? `(${bytes.length} bytes, no text)` : bytes.toString("utf8");
        return [path, { mode, owner, group, content, sha256 }];
      }),
  );
  const images = found
    .filter((file) => file.image)
    .map(({ path, size, modified }) => `${path}:${size}:${modified}`);
  return { read, images: [...new Set(images)].sort() };
};
