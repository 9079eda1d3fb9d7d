import { parseCmdline } from "../../facts/cmdline.ts";
import type { Facts } from "../../facts/facts.ts";
import { foreignMembers } from "../../facts/iommu.ts";
import type { PciAddress, PciId } from "../../facts/pci.ts";

/**
 * What has to be visible on the running system, and inside the initramfs it boots from, for a boot configuration to
 * count as applied. The agent checks the same list on the host (components/agent/boot.sh).
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

/** What the facts show against one effect: undefined when it is there, else what was found. */
const unmetEffect = (facts: Facts, effect: Effect): string | undefined => {
  switch (effect.kind) {
    case "argument":
      return parseCmdline(facts.cmdline).includes(effect.argument)
        ? undefined
        : `kernel command line: lacks ${effect.argument}`;
    case "function": {
      const found = facts.pci.find((device) => device.address === effect.address);
      if (!found) return `${effect.address}: no such device`;
      return found.driver === "vfio-pci"
        ? undefined
        : `${effect.address}: driver is ${found.driver ?? "none"}`;
    }
    case "alone": {
      const device = facts.pci.find(({ address }) => address === effect.address);
      if (!device || device.iommuGroup === null) return `${effect.address}: in no IOMMU group`;
      const foreign = foreignMembers(facts, [device]).filter((other) => !effect.with.includes(other.address));
      return foreign.length === 0
        ? undefined
        : `${effect.address}: shares its IOMMU group with ${foreign.map((other) => other.address).join(", ")}`;
    }
    case "parameter": {
      const parameters = facts.moduleParameters[effect.module];
      // a module that is not loaded shows nothing; its modprobe.d file is compared as a file
      if (!parameters && !facts.modules.includes(effect.module)) return undefined;
      const found = parameters?.[effect.name];
      return found !== undefined && effect.values.includes(found)
        ? undefined
        : `module ${effect.module}: ${effect.name} is ${found ?? "not there"}`;
    }
    case "hugepages": {
      const found = facts.survey?.memory.hugePages.find(({ pageKiB }) => pageKiB === effect.kib);
      return found === undefined || found.total >= effect.count
        ? undefined
        : `huge pages of ${effect.kib} KiB: ${found.total} of ${effect.count}`;
    }
    // what an image holds is recorded by the agent when it opened it: see the images' stamp in the plan
    case "module":
    case "image-file":
      return undefined;
  }
};

/** One line for every effect that the running system does not show. */
export const unmetEffects = (facts: Facts, effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => unmetEffect(facts, effect) ?? []);
