import type { GuestFirmware, RomFinding } from "./judgement.ts";
import type { OptionRom } from "./model.ts";
import { formatContainer, formatOffset, formatSize } from "./names.ts";
import { efiImages } from "./ovmf.ts";

/** The Linux shadow copy of the boot display's ROM (drivers/pci/rom.c: 0xC0000, 0x20000 bytes). */
const SHADOW_SIZE = 0x20000;

/** The usual sizes of ROMs: from 28 KiB (SeaBIOS for bochs-display) to 1 MiB (NVIDIA's window). */
const USUAL_SIZES = { min: 16 * 1024, max: 1024 * 1024 } as const;

/** The end of the firmware's chain of images, in bytes from the file's start. */
const chainEnd = (rom: OptionRom): number => rom.size - rom.trailing.length;

/** The kind of bytes after the last image. */
type Trailing = "none" | "padding" | "nvidia" | "unknown";

const isPadding = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0 || byte === 0xff);

const classifyTrailing = (rom: OptionRom): Trailing => {
  if (rom.trailing.length === 0) return "none";
  if (rom.nvidiaImages.some((image) => image.offset === chainEnd(rom))) return "nvidia";
  return isPadding(rom.trailing) ? "padding" : "unknown";
};

/**
 * Whether an image is missing: the chain continues into bytes that are no image, and there is no EFI driver that
 * could make the chain complete.
 */
export const lacksImage = (rom: OptionRom): boolean =>
  rom.end.kind === "lost" &&
  classifyTrailing(rom) === "unknown" &&
  !efiImages(rom).some(({ objection }) => objection === undefined);

/** Checks the file's start: firmware expects the first image there and nowhere else. */
export const judgeContainer = (rom: OptionRom): RomFinding =>
  rom.container.kind === "none"
    ? { check: "container", severity: "ok", message: "the file starts with an image, as firmware expects it" }
    : {
        check: "container",
        severity: "error",
        patchable: true,
        message: `${formatContainer(rom.container)} before the first image, so firmware finds none: patch the file`,
      };

const chainError = (message: string): RomFinding => ({
  check: "chain",
  severity: "error",
  patchable: false,
  message,
});

const judgeTruncated = (rom: OptionRom, missing: number): RomFinding => {
  const what = `truncated: ${formatSize(missing)} of image ${rom.images.length} are missing`;
  return chainError(
    rom.size === SHADOW_SIZE
      ? `${what}; Linux shows only 128 KiB of the boot display's ROM: make another card the boot display, then dump again`
      : `${what}: dump the ROM again`,
  );
};

const judgeEnd = (rom: OptionRom): RomFinding => {
  const { end } = rom;
  const count = rom.images.length === 1 ? "1 image" : `${rom.images.length} images`;
  if (end.kind === "last-image") {
    return { check: "chain", severity: "ok", message: `${count}, complete up to the one marked as last` };
  }
  if (end.kind === "truncated") return judgeTruncated(rom, end.missing);
  const place = formatOffset(chainEnd(rom));
  if (lacksImage(rom)) {
    return chainError(`damaged: image ${rom.images.length + 1} should start at ${place}, but there is none`);
  }
  return {
    check: "chain",
    severity: "warning",
    message: `${count}, none of them marked as last, and there is no further image at ${place}`,
  };
};

/** Checks that the chain of images is complete and unbroken. */
export const judgeChain = (rom: OptionRom): readonly RomFinding[] => [
  judgeEnd(rom),
  ...rom.images.flatMap((image, index): readonly RomFinding[] =>
    image.gap.length === 0
      ? []
      : [
          {
            check: "chain",
            severity: "warning",
            message: `${formatSize(image.gap.length)} lie before image ${index + 1}: OVMF skips them, SeaBIOS and Linux stop there`,
          },
        ],
  ),
];

/**
 * Checks the checksums of x86 images. SeaBIOS refuses a wrong one. OVMF does not check it, but a wrong sum means that
 * the bytes were changed.
 */
export const judgeChecksums = (rom: OptionRom, firmware: GuestFirmware): readonly RomFinding[] =>
  rom.images.flatMap(({ checksum }, index): readonly RomFinding[] => {
    if (checksum === undefined) return [];
    if (checksum.kind === "good") {
      return [
        {
          check: "checksum",
          severity: "ok",
          message: `the checksum of x86 image ${index + 1} is 0, as it should be`,
        },
      ];
    }
    const reason =
      checksum.kind === "bad"
        ? `has the checksum ${checksum.sum} instead of 0: the dump is damaged, or was taken while a driver used the card`
        : checksum.kind === "no-size"
          ? "names no initialization size"
          : "names an initialization size beyond its own end";
    const message = `x86 image ${index + 1} ${reason}; SeaBIOS refuses it`;
    return [
      firmware === "seabios"
        ? { check: "checksum", severity: "error", patchable: false, message }
        : { check: "checksum", severity: "warning", message },
    ];
  });

/** Checks that the images have a usual size. */
export const judgeSize = (rom: OptionRom): RomFinding => {
  const size = rom.images.reduce((sum, image) => sum + image.gap.length + image.bytes.length, 0);
  const message = `${formatSize(size)} of images`;
  if (size >= USUAL_SIZES.min && size <= USUAL_SIZES.max) return { check: "size", severity: "ok", message };
  const bounds = `${formatSize(USUAL_SIZES.min)} to ${formatSize(USUAL_SIZES.max)}`;
  return { check: "size", severity: "warning", message: `${message}, but ROMs usually have ${bounds}` };
};

const TRAILING_NAMES = {
  padding: "padding",
  nvidia: "NVIDIA's private images",
  unknown: "unknown bytes",
} as const satisfies Record<Exclude<Trailing, "none">, string>;

/** Checks for bytes after the last image. They are harmless, but useless to a guest. */
export const judgeTrailing = (rom: OptionRom): readonly RomFinding[] => {
  const kind = classifyTrailing(rom);
  if (kind === "none") return [];
  return [
    {
      check: "trailing",
      severity: "note",
      message: `${formatSize(rom.trailing.length)} follow the images (${TRAILING_NAMES[kind]}): firmware does not read them`,
    },
  ];
};
