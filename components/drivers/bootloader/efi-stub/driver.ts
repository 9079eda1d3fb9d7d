import { parseCmdline } from "../../../facts/cmdline.ts";
import { has, recognised } from "../shared/recognised.ts";

/** The firmware starts the kernel itself, with what efibootmgr stored. */
export const efiStub = recognised(
  "the firmware itself (EFI stub)",
  {
    configuredIn: "efibootmgr",
    detect: (facts) =>
      facts.boot.efi && facts.boot.loaderInfo === null && !has(facts, "BOOT_IMAGE=") && has(facts, "initrd="),
  },
  (facts, args) =>
    `efibootmgr --create --label "Linux with GPU passthrough" --loader '\\vmlinuz-${facts.kernel}' --unicode '${[...new Set([...parseCmdline(facts.cmdline), ...args])].join(" ")}' (disk, partition and path as in efibootmgr -v)`,
);
