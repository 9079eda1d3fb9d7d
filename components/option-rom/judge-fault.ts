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
    ? `all ${formatSize(size)} are ff: the card did not answer, it was asleep (D3); ${DUMP_AGAIN}`
    : `all ${formatSize(size)} are ${value.toString(16).padStart(2, "0")}: no ROM was there to be read; ${DUMP_AGAIN}`;

const noImage = (nearest: { readonly offset: number; readonly fault: HeaderFault } | undefined): string => {
  if (!nearest)
    return "no option ROM: the bytes 55 aa, with which every image starts, are nowhere in the file";
  const isIsa = nearest.offset === 0 && HEADER_FAULTS[nearest.fault] === NO_PCIR;
  return isIsa
    ? "an ISA option ROM or a damaged dump: it starts with 55 aa, but leads to no PCI data structure (PCIR)"
    : `no option ROM: 55 aa at ${formatOffset(nearest.offset)}, but ${HEADER_FAULTS[nearest.fault]}`;
};

const messageOf = (fault: RomFault): string => {
  if (fault.kind === "empty") return `the file is empty: the dump failed; ${DUMP_AGAIN}`;
  if (fault.kind === "too-large") {
    return `${formatSize(fault.size)} are more than the 16 MiB that a PCI option ROM can have`;
  }
  return fault.kind === "uniform" ? uniform(fault.size, fault.value) : noImage(fault.nearest);
};

/** Why a file is no option ROM at all, as the one finding that there is to make. */
export const judgeFault = (fault: RomFault): RomFinding => ({
  check: "content",
  severity: "error",
  patchable: false,
  message: messageOf(fault),
});
