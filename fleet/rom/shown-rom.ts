import type { GuestFirmware, RomJudgement } from "../../components/option-rom/judgement.ts";
import type { ParsedRom } from "../../components/option-rom/model.ts";
import type { PciId } from "../../components/facts/pci.ts";

/** Input of `vfio-fleet rom show`'s report. */
export interface ShownRom {
  /** As given on the command line. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Undefined for a file that was too large to be read. */
  readonly sha256: string | undefined;
  readonly firmware: GuestFirmware;
  readonly card: PciId | undefined;
  readonly parsed: ParsedRom;
  readonly judgement: RomJudgement;
}
