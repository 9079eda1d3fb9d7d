import type { PciId } from "../facts/pci.ts";
import { judgeEfi, judgeX86 } from "./judge-code.ts";
import { judgeFault } from "./judge-fault.ts";
import { judgeIds } from "./judge-ids.ts";
import { judgeChain, judgeChecksums, judgeContainer, judgeSize, judgeTrailing } from "./judge-layout.ts";
import type { GuestFirmware, RomFinding, RomJudgement, RomVerdict } from "./judgement.ts";
import type { ParsedRom } from "./model.ts";

export interface JudgeOptions {
  /** The firmware of the guest; the default is OVMF. */
  readonly firmware?: GuestFirmware | undefined;
  /** The card for the ROM, as lspci -n prints its id; without it no ids are compared. */
  readonly card?: PciId | undefined;
}

const verdictOf = (findings: readonly RomFinding[]): RomVerdict => {
  const errors = findings.filter((finding) => finding.severity === "error");
  if (errors.length === 0) return "usable";
  return errors.every((error) => error.patchable) ? "needs-patch" : "unusable";
};

/**
 * Checks whether the guest's firmware can use a parsed file on this card. Each finding is one line with its reason.
 * The verdict is the worst finding.
 */
export const judgeOptionRom = (parsed: ParsedRom, options: JudgeOptions = {}): RomJudgement => {
  const { firmware = "ovmf", card } = options;
  if (!parsed.ok) return { verdict: "unusable", findings: [judgeFault(parsed.fault)] };
  const { rom } = parsed;
  const findings = [
    judgeContainer(rom),
    ...judgeChain(rom),
    judgeEfi(rom, firmware),
    judgeX86(rom, firmware),
    ...judgeChecksums(rom, firmware),
    ...judgeIds(rom, card),
    judgeSize(rom),
    ...judgeTrailing(rom),
  ] as const satisfies readonly RomFinding[];
  return { verdict: verdictOf(findings), findings };
};
