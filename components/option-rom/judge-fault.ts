import type { RomFinding } from "./judgement.ts";
import type { HeaderFault, RomFault } from "./model.ts";
import { formatOffset, formatSize } from "./names.ts";

const DUMP_AGAIN = "dump again while the card is awake and no driver uses it";

const NO_PCIR = "no PCI data structure (PCIR) belongs to it";

const HEADER_FAULTS: Readonly<Record<HeaderFault, string>> = {
  "cut-off": "the file ends inside the header",
  "no-length": "its PCI data structure gives the image no length",
  "no-pcir": NO_PCIR,
  "pointer-outside": NO_PCIR,
};

const uniform = (size: number, value: number): string =>
  value === 0xff
    ? `all ${formatSize(size)} are ff: the card did not answer because it was asleep (D3); ${DUMP_AGAIN}`
    : `all ${formatSize(size)} are ${value.toString(16).padStart(2, "0")}: there was no ROM to read; ${DUMP_AGAIN}`;

const noImage = (nearest: { readonly offset: number; readonly fault: HeaderFault } | undefined): string => {
  if (!nearest)
    return "no option ROM: every image starts with 55 aa, but the file does not contain these bytes";
  const isIsa = nearest.offset === 0 && HEADER_FAULTS[nearest.fault] === NO_PCIR;
  return isIsa
    ? "an ISA option ROM or a damaged dump: it starts with 55 aa, but has no PCI data structure (PCIR)"
    : `no option ROM: 55 aa at ${formatOffset(nearest.offset)}, but ${HEADER_FAULTS[nearest.fault]}`;
};

const messageOf = (fault: RomFault): string => {
  if (fault.kind === "empty") return `the file is empty: the dump failed; ${DUMP_AGAIN}`;
  if (fault.kind === "too-large") {
    return `the file has ${formatSize(fault.size)}, but a PCI option ROM has at most 16 MiB`;
  }
  return fault.kind === "uniform" ? uniform(fault.size, fault.value) : noImage(fault.nearest);
};

/** The finding for a file that is no option ROM at all. */
export const judgeFault = (fault: RomFault): RomFinding => ({
  check: "content",
  severity: "error",
  patchable: false,
  message: messageOf(fault),
});
