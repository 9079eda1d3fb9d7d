/** The firmware of the virtual machine that is to use the ROM. */
export type GuestFirmware = "ovmf" | "seabios";

/** What a line of the judgement is about. */
type RomCheck = "content" | "container" | "chain" | "efi" | "x86" | "checksum" | "ids" | "size" | "trailing";

/** One line of the judgement. An error keeps the ROM from working; patching removes it where `patchable`. */
export type RomFinding = { readonly check: RomCheck; readonly message: string } & (
  | { readonly severity: "ok" | "note" | "warning" }
  | { readonly severity: "error"; readonly patchable: boolean }
);

/** What the file is good for with the guest's firmware. */
export type RomVerdict =
  | "usable"
  /** Not as it is, but its patched form is. */
  | "needs-patch"
  | "unusable";

export interface RomJudgement {
  readonly verdict: RomVerdict;
  readonly findings: readonly [RomFinding, ...RomFinding[]];
}
