interface Entry {
  /** Permissions, such as 0o755. */
  readonly mode: number;
  readonly content: Buffer;
}

const REGULAR = 0o100_000;
const FOLDER = 0o040_000;

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

const record = (index: number, name: string, mode: number, content: Buffer): Buffer => {
  const fields = [index, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`;
  return Buffer.concat([padded(Buffer.from(head, "latin1")), padded(content)]);
};

/**
 * A cpio archive for the kernel (Linux: Documentation/driver-api/early-userspace/buffer-format.rst), with every
 * folder.
 */
export const cpioArchive = (files: Readonly<Record<string, Entry>>): Buffer => {
  const folders = new Set(
    Object.keys(files).flatMap((name) => {
      const parts = name.split("/").slice(0, -1);
      return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    }),
  );
  const nothing = Buffer.alloc(0);
  return Buffer.concat([
    ...[...folders].sort().map((name, index) => record(index + 1, name, FOLDER | 0o755, nothing)),
    ...Object.entries(files).map(([name, { mode, content }], index) =>
      record(folders.size + index + 1, name, REGULAR | mode, content),
    ),
    record(0, "TRAILER!!!", 0, nothing),
  ]);
};
