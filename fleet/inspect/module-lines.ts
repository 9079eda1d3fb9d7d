import type { Facts } from "../../components/facts/facts.ts";
import { formatColumns, type Paint, printable } from "../ground/terminal.ts";

/** Modules that matter for passthrough: VFIO, KVM, those of the IOMMU, and drivers that compete for a card. */
const RELEVANT =
  /^(vfio|kvm|irqbypass|nvidia|nouveau|amdgpu|radeon|i915|xe|ast|bochs|mgag200|snd_hda_intel|vendor_reset|pci_stub|simpledrm)/;

/** A parameter with one value for each card. Equal values are printed once: `-1 (32 times)`. */
const short = (value: string): string => {
  const [first, ...others] = value.split(",");
  return others.length > 1 && others.every((other) => other === first)
    ? `${first} (${others.length + 1} times)`
    : value;
};

/** Loaded modules with their users and parameters. Built-in modules have parameters only. */
export const moduleLines = (facts: Facts, all: boolean, paint: Paint): string => {
  const loaded = new Set(facts.modules);
  const names = [...new Set([...facts.modules, ...Object.keys(facts.moduleParameters)])]
    .filter((name) => all || (RELEVANT.test(name) && (loaded.has(name) || name.startsWith("vfio"))))
    .sort();
  const rows = names.map((name) => {
    const use = facts.survey?.moduleUse[name];
    const parameters = Object.entries(facts.moduleParameters[name] ?? {}).filter(
      ([, value]) => all || !["", "(null)"].includes(short(value).split(" ")[0] ?? ""),
    );
    return [
      name,
      loaded.has(name) ? (use ? String(use.uses) : "?") : "built in",
      parameters.map(([key, value]) => `${key}=${short(value)}`).join(" "),
    ].map(printable);
  });
  return formatColumns(["Module", "Uses", "Parameters"], rows, paint);
};
