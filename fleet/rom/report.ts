import type { GuestFirmware, RomFinding } from "../../components/option-rom/judgement.ts";
import {
  codeTypeOf,
  marksLast,
  type NvidiaImage,
  type OptionRom,
  type OptionRomImage,
} from "../../components/option-rom/model.ts";
import {
  formatClass,
  formatCodeType,
  formatCompression,
  formatContainer,
  formatId,
  formatMachine,
  formatOffset,
  formatSize,
  formatSubsystem,
} from "../../components/option-rom/names.ts";
import { formatLabelled, formatTable, type Paint, printable, type Style } from "../ground/terminal.ts";
import type { ShownRom } from "./shown-rom.ts";

const HEAD = ["#", "Offset", "Size", "Code type", "Device", "Class", "Details"] as const;

/** Limit for hostile files, which may have thousands of images; well-made files stay below it. */
const MAX_ROWS = 32;

const CHECKSUMS = {
  good: "checksum good",
  bad: "checksum wrong",
  "no-size": "no initialization size",
  "beyond-image": "initialization size beyond the image",
} as const;

const codeDetails = ({ code, checksum, pnp }: OptionRomImage): readonly (string | undefined)[] => {
  if (code.kind === "x86") return [checksum && CHECKSUMS[checksum.kind], pnp?.product, pnp?.manufacturer];
  if (code.kind === "efi") {
    return [
      formatMachine(code.machine),
      formatSubsystem(code.subsystem),
      formatCompression(code.compression),
    ];
  }
  return [];
};

const details = (image: OptionRomImage): string =>
  [
    ...codeDetails(image),
    image.deviceList.kind === "listed" && image.deviceList.deviceIds.length > 1
      ? `${image.deviceList.deviceIds.length} devices listed`
      : undefined,
    image.nvidia && `NPDE ${formatSize(image.nvidia.subimageLength)}`,
    marksLast(image.pci.indicator) ? "last" : undefined,
  ]
    .filter((detail) => detail !== undefined)
    .map(printable)
    .join(", ");

interface Row {
  readonly offset: number;
  readonly cells: readonly string[];
}

const imageRow = (image: OptionRomImage, index: number): Row => ({
  offset: image.offset,
  cells: [
    `${index + 1}`,
    formatOffset(image.offset),
    formatSize(image.bytes.length),
    formatCodeType(codeTypeOf(image.code)),
    formatId(image.pci.vendorId, image.pci.deviceId),
    formatClass(image.pci.classCode),
    details(image),
  ],
});

const nvidiaRow = (image: NvidiaImage): Row => ({
  offset: image.offset,
  cells: [
    "",
    formatOffset(image.offset),
    formatSize(image.length),
    formatCodeType(image.codeType),
    formatId(image.vendorId, image.deviceId),
    "",
    "private, not for firmware",
  ],
});

const otherRow = (offset: number, size: number, what: string): Row => ({
  offset,
  cells: ["", formatOffset(offset), formatSize(size), "", "", "", what],
});

const tableRows = (rom: OptionRom): readonly Row[] => {
  const behind = rom.size - rom.trailing.length;
  const isNamed = rom.nvidiaImages.some(({ offset }) => offset === behind);
  return [
    ...(rom.container.kind === "none"
      ? []
      : [otherRow(0, rom.leading.length, formatContainer(rom.container))]),
    ...rom.images.map(imageRow),
    ...rom.images.flatMap(({ offset, gap }) =>
      gap.length === 0 ? [] : [otherRow(offset - gap.length, gap.length, "gap")],
    ),
    ...rom.nvidiaImages.map(nvidiaRow),
    ...(rom.trailing.length === 0 || isNamed
      ? []
      : [otherRow(behind, rom.trailing.length, "after the last image")]),
  ].toSorted((a, b) => a.offset - b.offset);
};

const formatImages = (rom: OptionRom, paint: Paint): string => {
  const rows = tableRows(rom);
  const shown = rows.slice(0, MAX_ROWS).map(({ cells }) => cells);
  const table = formatTable(HEAD, shown, paint);
  return rows.length > MAX_ROWS ? `${table}\n… and ${rows.length - MAX_ROWS} more` : table;
};

const SEVERITIES = {
  ok: "green",
  note: "dim",
  warning: "yellow",
  error: "red",
} as const satisfies Record<RomFinding["severity"], Style>;

/** The result of the checks: one line for each finding, more lines for a long one. */
export const formatFindings = (findings: readonly RomFinding[], paint: Paint): string =>
  findings
    .map(({ severity, check, message }) =>
      formatLabelled(`${paint(SEVERITIES[severity], severity.padEnd(8))} ${check.padEnd(10)} `, message),
    )
    .join("\n");

const FIRMWARE_NAMES = { ovmf: "an OVMF", seabios: "a SeaBIOS" } as const satisfies Record<
  GuestFirmware,
  string
>;

const formatVerdict = ({ judgement, firmware, card }: ShownRom, paint: Paint): string => {
  const guest = `${FIRMWARE_NAMES[firmware]} guest${card === undefined ? "" : ` with card ${card}`}`;
  if (judgement.verdict === "usable") return paint("green", `Usable for ${guest}.`);
  return judgement.verdict === "needs-patch"
    ? paint("yellow", `Usable for ${guest} once it is patched: vfio-fleet rom patch IN OUT`)
    : paint("red", `Not usable for ${guest}.`);
};

/** The report as text. */
export const formatReport = (shown: ShownRom, paint: Paint): string => {
  const { file, size, sha256, parsed, judgement } = shown;
  return [
    `${paint("bold", printable(file))}: ${formatSize(size)}`,
    ...(sha256 === undefined ? [] : [paint("dim", `SHA-256 ${sha256}`)]),
    ...(parsed.ok ? ["", formatImages(parsed.rom, paint)] : []),
    "",
    formatFindings(judgement.findings, paint),
    "",
    formatVerdict(shown, paint),
  ].join("\n");
};
