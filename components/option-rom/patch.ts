import { lacksImage } from "./judge-layout.ts";
import type { OptionRom, ParsedRom } from "./model.ts";
import { formatOffset, formatSize } from "./names.ts";
import { parseOptionRom } from "./parse.ts";
import { writeOptionRom } from "./write.ts";

/** The result of patching a file. */
export type PatchedRom =
  | {
      readonly kind: "patched";
      /** The new file. */
      readonly bytes: Uint8Array;
      readonly rom: OptionRom;
      /** Number of bytes that were cut before the first image and after the last one. */
      readonly cut: { readonly leading: number; readonly trailing: number };
    }
  /** The file has nothing but its images already. */
  | { readonly kind: "unchanged"; readonly bytes: Uint8Array; readonly rom: OptionRom }
  | { readonly kind: "refused"; readonly reason: string };

const refuse = (reason: string): PatchedRom => ({ kind: "refused", reason });

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** Why patching would give no usable ROM; undefined if it would. */
const objection = (rom: OptionRom): string | undefined => {
  if (rom.end.kind === "truncated") {
    return `${formatSize(rom.end.missing)} of image ${rom.images.length} are missing: dump the ROM again`;
  }
  if (lacksImage(rom)) {
    const place = formatOffset(rom.size - rom.trailing.length);
    return `image ${rom.images.length + 1} should start at ${place}, but there is none: dump the ROM again`;
  }
  return rom.images.every(({ code }) => code.kind === "other")
    ? "it has neither an x86 nor an EFI image"
    : undefined;
};

/** Some old x86 images give too small an image length; then the initialization size is right (edk2). */
const reachesBehindTheImages = (rom: OptionRom): boolean =>
  rom.images.some(
    ({ code, offset }) => code.kind === "x86" && offset + code.initSize > rom.size - rom.trailing.length,
  );

/** The result, parsed again, if its images are the same and nothing precedes them; undefined otherwise. */
const verify = (bytes: Uint8Array, source: OptionRom): OptionRom | undefined => {
  const parsed = parseOptionRom(bytes);
  if (!parsed.ok) return undefined;
  const { leading, images } = parsed.rom;
  const isSame =
    leading.length === 0 &&
    images.length === source.images.length &&
    source.images.every((before, index) => {
      const after = images[index];
      return after && equalBytes(after.gap, before.gap) && equalBytes(after.bytes, before.bytes);
    });
  return isSame ? parsed.rom : undefined;
};

/**
 * Cuts the bytes before the first image and after the last, and verifies the result by parsing it. Files that
 * `judgeOptionRom` calls "needs-patch" are never refused.
 * No byte of an image is changed, not even to correct an x86 checksum. Cutting cannot have caused a wrong checksum,
 * so the image is not its vendor's. A corrected sum would only make SeaBIOS run it.
 */
export const patchOptionRom = (parsed: ParsedRom): PatchedRom => {
  if (!parsed.ok) return refuse("it has no PCI option ROM image");
  const { rom } = parsed;
  const reason = objection(rom);
  if (reason !== undefined) return refuse(reason);
  const empty = new Uint8Array();
  const trailing = reachesBehindTheImages(rom) ? rom.trailing : empty;
  const bytes = writeOptionRom({ leading: empty, images: rom.images, trailing });
  const result = verify(bytes, rom);
  if (!result) return refuse("the images alone do not parse to the same result");
  if (bytes.length === rom.size) return { kind: "unchanged", bytes, rom: result };
  const cut = { leading: rom.leading.length, trailing: rom.trailing.length - trailing.length };
  return { kind: "patched", bytes, rom: result, cut };
};
