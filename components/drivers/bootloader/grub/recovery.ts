import { MADE_BY } from "../../../plan/kernel/binding.ts";
import type { ManagedFile } from "../../../plan/step.ts";

/** What the recovery entry boots with instead: our boot script does nothing, and vfio-pci cannot be loaded at all. */
export const RECOVERY_ARGUMENTS = ["vfio_fleet=off", "module_blacklist=vfio_pci"] as const;

/**
 * A script for grub-mkconfig (GRUB manual, "Custom scripts") that adds an entry without passthrough: the first entry of
 * the distribution's own 10_linux, run once more without our arguments.
 */
export const grubRecovery = (args: readonly string[]): ManagedFile => ({
  path: "/etc/grub.d/42_vfio-fleet",
  mode: "755",
  content: `#!/bin/sh
${MADE_BY}# Adds a boot entry without GPU passthrough: the way back for a host that needs its card.
ours=" ${args.join(" ")} "
without() { for word in $1; do case "$ours" in *" $word "*) ;; *) printf '%s ' "$word" ;; esac; done; }
GRUB_CMDLINE_LINUX=$(without "$GRUB_CMDLINE_LINUX")
GRUB_CMDLINE_LINUX_DEFAULT="$(without "$GRUB_CMDLINE_LINUX_DEFAULT")${RECOVERY_ARGUMENTS.join(" ")}"
GRUB_SAVEDEFAULT=false
export GRUB_CMDLINE_LINUX GRUB_CMDLINE_LINUX_DEFAULT GRUB_SAVEDEFAULT
"\${0%/*}/10_linux" 2>/dev/null | awk '
  /^menuentry / && !seen { seen = inside = 1; print "menuentry \\"Linux without GPU passthrough (vfio-fleet)\\" --class gnu-linux --id vfio-fleet-recovery {"; next }
  inside { print }
  inside && /^}/ { inside = 0 }'
`,
});
