/** The firmware of the guest. */
export type GuestFirmware = "ovmf" | "seabios";

/** The subject of a finding. */
type RomCheck = "content" | "container" | "chain" | "efi" | "x86" | "checksum" | "ids" | "size" | "trailing";

/** One line of the result. An error keeps the ROM from working; patching repairs it if `patchable` is set. */
export type RomFinding = { readonly check: RomCheck; readonly message: string } & (
  | { readonly severity: "ok" | "note" | "warning" }
  | { readonly severity: "error"; readonly patchable: boolean }
);

/** Whether the guest's firmware can use the file. */
export type RomVerdict =
  | "usable"
  /** Not usable as it is, but usable after patching. */
  | "needs-patch"
  | "unusable";

export interface RomJudgement {
  readonly verdict: RomVerdict;
  readonly findings: readonly [RomFinding, ...RomFinding[]];
}
