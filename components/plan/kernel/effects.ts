import { parseCmdline } from "../../facts/cmdline.ts";
import type { Facts } from "../../facts/facts.ts";
import { foreignMembers } from "../../facts/iommu.ts";
import type { PciAddress, PciId } from "../../facts/pci.ts";

/**
 * What has to be visible on the running system, and inside the initramfs it boots from, for a boot configuration to
 * count as applied. The agent checks the same list on the host (components/agent/effects.sh).
 */
export type Effect =
  | { readonly kind: "argument"; readonly argument: string }
  | { readonly kind: "function"; readonly address: PciAddress; readonly id: PciId }
  /** the function's IOMMU group holds nothing but these and bridges */
  | { readonly kind: "alone"; readonly address: PciAddress; readonly with: readonly PciAddress[] }
  /** `values`: what the kernel may print for it, the wanted spelling first */
  | {
      readonly kind: "parameter";
      readonly module: string;
      readonly name: string;
      readonly values: readonly string[];
    }
  /** pages of a size that the kernel could set aside; the argument alone says what was asked for */
  | { readonly kind: "hugepages"; readonly kib: number; readonly count: number }
  | { readonly kind: "module"; readonly module: string }
  | { readonly kind: "image-file"; readonly path: string; readonly sha256: string };

/** One effect a line: what the agent reads, and what a preview's diff shows. */
export const effectLine = (effect: Effect): string => {
  switch (effect.kind) {
    case "argument":
      return `argument ${effect.argument}`;
    case "function":
      return `function ${effect.address} ${effect.id}`;
    case "alone":
      return `alone ${effect.address} ${effect.with.join(" ")}`;
    case "parameter":
      return `parameter ${effect.module} ${effect.name} ${effect.values.join(",")}`;
    case "hugepages":
      return `hugepages ${effect.kib} ${effect.count}`;
    case "module":
      return `module ${effect.module}`;
    case "image-file":
      return `image-file ${effect.path} ${effect.sha256}`;
  }
};

/** The kernel prints booleans as Y and N whatever they were set with (Linux: kernel/params.c, param_get_bool). */
export const parameterValues = (value: boolean | number | string): string[] => {
  const text = typeof value === "boolean" ? (value ? "1" : "0") : String(value);
  if (["1", "y", "Y"].includes(text)) return [text, "1", "Y"].filter((v, i, all) => all.indexOf(v) === i);
  if (["0", "n", "N"].includes(text)) return [text, "0", "N"].filter((v, i, all) => all.indexOf(v) === i);
  return [text];
};

/** What the facts show of one effect that is not there, in the agent's words (components/agent/effects.sh). */
const unmetEffect = (facts: Facts, effect: Effect): readonly string[] => {
  switch (effect.kind) {
    case "argument":
      return parseCmdline(facts.cmdline).includes(effect.argument)
        ? []
        : [`kernel command line: lacks ${effect.argument}`];
    case "function": {
      const { address, id } = effect;
      const found = facts.pci.find((device) => device.address === address);
      if (!found) return [`${address}: no such device`];
      const driver = found.driver ?? "none";
      return [
        ...(found.id === id ? [] : [`${address}: is ${found.id}, expected ${id}`]),
        ...(driver === "vfio-pci" ? [] : [`${address}: driver is ${driver}, expected vfio-pci`]),
      ];
    }
    case "alone": {
      const { address } = effect;
      const own = facts.pci.find((device) => device.address === address);
      if (!own || own.iommuGroup === null) return [`${address}: in no IOMMU group, the IOMMU is off`];
      return foreignMembers(facts, [own])
        .filter((device) => !effect.with.includes(device.address))
        .map(
          (device) =>
            `${address}: shares its IOMMU group with ${device.address} (driver ${device.driver ?? "none"})`,
        );
    }
    case "parameter": {
      const parameters = facts.moduleParameters[effect.module];
      // what a module that is not loaded would be loaded with is no fact; its modprobe.d file is compared as a file
      if (!parameters && !facts.modules.includes(effect.module)) return [];
      const found = parameters?.[effect.name];
      return found !== undefined && effect.values.includes(found)
        ? []
        : [
            `module ${effect.module}: ${effect.name} is ${found ?? "not there"}, expected ${effect.values[0]}`,
          ];
    }
    case "hugepages": {
      // asked only by what explains a host
      if (!facts.survey) return [];
      const { hugePages } = facts.survey.memory;
      const found = hugePages.find(({ pageKiB }) => pageKiB === effect.kib)?.total ?? 0;
      return found >= effect.count ? [] : [`huge pages of ${effect.kib} KiB: ${found} of ${effect.count}`];
    }
    // what an image holds is recorded by the agent when it opened it: see the images' stamp in the plan
    case "module":
    case "image-file":
      return [];
  }
};

/** An effect that the running system does not show, as its line, and what it shows instead. */
export interface UnmetEffect {
  readonly line: string;
  readonly found: string;
}

/** Every effect that the running system does not show. */
export const unmetEffects = (facts: Facts, effects: readonly Effect[]): UnmetEffect[] =>
  effects.flatMap((effect) =>
    unmetEffect(facts, effect).map((found) => ({ line: effectLine(effect), found })),
  );

/**
 * Running effects of the last proof that are wanted no longer: only a reboot takes them back.
 * @param applied the effects of that proof, one a line
 * @param wanted lines as effectLine makes them
 */
export const goneEffects = (applied: string, wanted: readonly string[]): string[] =>
  applied
    .split("\n")
    .filter((line) => /^(argument|function|parameter) /.test(line) && !wanted.includes(line))
    .map((line) => `no longer wanted: ${line}`);
