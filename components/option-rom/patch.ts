import { lacksImage } from "./judge-layout.ts";
import type { OptionRom, ParsedRom } from "./model.ts";
import { formatOffset, formatSize } from "./names.ts";
import { parseOptionRom } from "./parse.ts";
import { writeOptionRom } from "./write.ts";

/** What patching a file gave. */
export type PatchedRom =
  | {
      readonly kind: "patched";
      /** The new file. */
      readonly bytes: Uint8Array;
      readonly rom: OptionRom;
      /** Bytes that were cut before the first image and after the last one. */
      readonly cut: { readonly leading: number; readonly trailing: number };
    }
  /** The file already is nothing but its images. */
  | { readonly kind: "unchanged"; readonly bytes: Uint8Array; readonly rom: OptionRom }
  | { readonly kind: "refused"; readonly reason: string };

const refuse = (reason: string): PatchedRom => ({ kind: "refused", reason });

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** Why nothing sensible would come out; undefined when it would. */
const objection = (rom: OptionRom): string | undefined => {
  if (rom.end.kind === "truncated") {
    return `${formatSize(rom.end.missing)} of image ${rom.images.length} are missing: dump the ROM again`;
  }
  if (lacksImage(rom)) {
    const place = formatOffset(rom.size - rom.trailing.length);
    return `image ${rom.images.length + 1} should start at ${place}, and there is none: dump the ROM again`;
  }
  return rom.images.every(({ code }) => code.kind === "other")
    ? "it holds neither an x86 nor an EFI image"
    : undefined;
};

/** Some old x86 images give too small an image length: their initialization size tells what is theirs (edk2). */
const reachesBehindTheImages = (rom: OptionRom): boolean =>
  rom.images.some(
    ({ code, offset }) => code.kind === "x86" && offset + code.initSize > rom.size - rom.trailing.length,
  );

/** The result as it parses, when its images are the same and nothing precedes them; undefined otherwise. */
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
 * Cuts what precedes the first image and what follows the last, and verifies the result by parsing it. What
 * `judgeOptionRom` calls "needs-patch" is never refused. No byte of an image is changed. That goes for a wrong x86 checksum too: cutting cannot have caused it, so the image is
 * not what its vendor built, and a sum that adds up would only make SeaBIOS run it.
 */
export const patchOptionRom = (parsed: ParsedRom): PatchedRom => {
  if (!parsed.ok) return refuse("it holds no PCI option ROM image");
  const { rom } = parsed;
  const reason = objection(rom);
  if (reason !== undefined) return refuse(reason);
  const empty = new Uint8Array();
  const trailing = reachesBehindTheImages(rom) ? rom.trailing : empty;
  const bytes = writeOptionRom({ leading: empty, images: rom.images, trailing });
  const result = verify(bytes, rom);
  if (!result) return refuse("the images do not parse the same on their own");
  if (bytes.length === rom.size) return { kind: "unchanged", bytes, rom: result };
  const cut = { leading: rom.leading.length, trailing: rom.trailing.length - trailing.length };
  return { kind: "patched", bytes, rom: result, cut };
};
