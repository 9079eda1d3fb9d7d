import type { Facts } from "../../components/core/facts.ts";
import { formatColumns, type Paint, printable } from "../terminal.ts";

/** Modules that matter for passthrough: VFIO, KVM, the IOMMU's, and the drivers that compete for a card. */
const RELEVANT =
  /^(vfio|kvm|irqbypass|nvidia|nouveau|amdgpu|radeon|i915|xe|ast|mgag200|snd_hda|xhci_pci|vendor_reset|pci_stub|nvme|zfs|vhost|tun|bridge|efi_pstore|simpledrm)/;

/** Loaded modules with their users and parameters; built-in ones show parameters only. */
export const moduleLines = (facts: Facts, all: boolean, paint: Paint): string => {
  const loaded = new Set(facts.modules);
  const names = [...new Set([...facts.modules, ...Object.keys(facts.moduleParameters)])]
    .filter((name) => all || (RELEVANT.test(name) && (loaded.has(name) || name.startsWith("vfio"))))
    .sort();
  const rows = names.map((name) => {
    const use = facts.survey?.moduleUse[name];
    const parameters = Object.entries(facts.moduleParameters[name] ?? {}).filter(
      ([, value]) => all || !["", "(null)"].includes(value),
    );
    return [
      name,
      loaded.has(name) ? (use ? String(use.uses) : "?") : "built in",
      parameters.map(([key, value]) => `${key}=${value}`).join(" "),
    ].map(printable);
  });
  return formatColumns(["Module", "Uses", "Parameters"], rows, paint);
};
