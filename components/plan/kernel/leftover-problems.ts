import { parseCmdline } from "../../facts/cmdline.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import { isDisplay } from "../../facts/pci.ts";
import type { Problem } from "../../facts/problem.ts";
import { receiptName } from "../step.ts";
import { WAITING } from "./binding.ts";
import { parameterValues } from "./effects.ts";
import { isBuiltIn } from "./kernel-arguments.ts";
import type { KernelSpec } from "./kernel-spec.ts";
import {
  addressClaims,
  argumentSettings,
  fileSettings,
  idClaims,
  type Claim,
  type ModuleSetting,
} from "./leftovers.ts";
import { fileName, modprobeLines } from "./modprobe-files.ts";

/** Where a host's own arguments come from, and what this project wants of them. */
export interface OwnArguments {
  readonly kernel: KernelSpec;
  /** functions that vfio-pci is to have from boot on */
  readonly bound: readonly PciDevice[];
  readonly wanted: readonly string[];
  /** what the host's configuration has without us */
  readonly own: readonly string[];
  readonly configuredIn: string;
  /** the initramfs generator in use */
  readonly generator: string;
  /** files that the plan writes, whatever is in them now */
  readonly managed: readonly string[];
  /** arguments that an earlier run wrote and proved */
  readonly applied: readonly string[];
}

const RUNNING = "the running kernel's command line";
/** Modules that a card needs; one that modprobe does not load as itself binds nothing. */
const CHAIN: ReadonlySet<string> = new Set([
  "vfio",
  "vfio_pci",
  "vfio_pci_core",
  "vfio_iommu_type1",
  "vfio_virqfd",
]);
const TAKING: ReadonlySet<string> = new Set(["vfio-pci", "pci-stub"]);

interface Leftovers {
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

const described = ({ address, id, bootVga }: PciDevice): string =>
  `${address} (${id}${bootVga === true ? ", the host's boot display" : ""})`;

const remedyFor = (where: string): string =>
  where === RUNNING
    ? "take it out of the boot loader's configuration, and reboot the host if that was done already"
    : `take it out of ${where}: the stack's own binding does not need it`;

/** Whether a device that the stack leaves to the host would change hands, or is one that a person takes for the card. */
const isTaken = (facts: Facts, device: PciDevice, bound: readonly PciDevice[]): boolean =>
  !TAKING.has(device.driver ?? "") ||
  isDisplay(device) ||
  bound.some(({ id }) => id === device.id) ||
  facts.carriers.some(({ address }) => address === device.address);

const claimed = (facts: Facts, bound: readonly PciDevice[], claims: readonly Claim[]): Leftovers => {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const grouped = Map.groupBy(claims, ({ where, text }) => `${where}\n${text}`);
  for (const [first, ...rest] of grouped.values()) {
    if (!first) continue;
    const { where, text } = first;
    const devices = [...new Set([first, ...rest].flatMap((claim) => claim.devices))];
    const others = devices.filter((device) => !bound.some(({ address }) => address === device.address));
    if (others.some((device) => isTaken(facts, device, bound)))
      problems.push({
        path: where,
        problem: `${text} takes ${others.map(described).join(", ")}, which the stack leaves to the host`,
        remedy: remedyFor(where),
      });
    else
      warnings.push(
        `${where}: ${text} is left of an earlier set-up${others.length > 0 ? ` and keeps ${others.map(described).join(", ")} from the host` : ""}; the stack does not need it`,
      );
  }
  return { problems, warnings };
};

/** Only one list of ids counts, and which one is told by the order of files and arguments. */
const secondLists = (
  kernel: KernelSpec,
  bound: readonly PciDevice[],
  settings: readonly ModuleSetting[],
): Problem[] =>
  kernel.binding !== "id"
    ? []
    : settings
        .filter(({ module, name }) => module === "vfio_pci" && name === "ids")
        .filter(({ value }) => bound.some(({ id }) => !value.toLowerCase().split(",").includes(id)))
        .map(({ where, text }) => ({
          path: where,
          problem: `${text} stands beside the stack's own ids, and vfio-pci takes one list alone`,
          remedy: remedyFor(where),
        }));

const overrides = (facts: Facts, { bound, generator, managed }: OwnArguments): Leftovers => {
  const claims = addressClaims(facts, generator).filter(({ where }) => !managed.includes(where));
  const away = claims.filter(
    ({ driver, devices }) =>
      driver !== "vfio-pci" &&
      devices.some((device) => bound.some(({ address }) => address === device.address)),
  );
  const taking = claimed(
    facts,
    bound,
    claims.filter(({ driver }) => TAKING.has(driver)),
  );
  return {
    warnings: taking.warnings,
    problems: [
      ...taking.problems,
      ...away.map(({ where, text, devices }) => ({
        path: where,
        problem: `${text} takes ${devices.map(described).join(", ")} from vfio-pci when the host boots`,
        remedy: remedyFor(where),
      })),
    ],
  };
};

/** Lines of modprobe.d about the modules that a card needs, beside their options. */
const moduleLines = (facts: Facts, isOurs: (path: string) => boolean): Leftovers => {
  const lines = modprobeLines(facts).filter(({ path }) => !isOurs(path));
  return {
    problems: lines
      .filter(({ command, module }) => command === "install" && CHAIN.has(module))
      .map(({ path, text }) => ({
        path,
        problem: `"${text}" runs a command of its own instead of loading the module, and nobody knows what that takes`,
        remedy: remedyFor(path),
      })),
    warnings: lines
      .filter(
        ({ command, words }) => command === "softdep" && words.some((word) => /^vfio[-_]pci$/.test(word)),
      )
      .map(({ path, text }) => `${path}: "${text}" is left of an earlier set-up; the stack does not need it`),
  };
};

/** Arguments of the host's own that keep the binding from being made. */
const switchedOff = ({ own, configuredIn }: OwnArguments): Problem[] =>
  own
    .filter((argument) => {
      const [, modules] = /^module_blacklist=(.*)$/.exec(argument) ?? [];
      return (
        argument === "vfio_fleet=off" ||
        modules?.split(",").some((name) => CHAIN.has(name.replaceAll("-", "_")))
      );
    })
    .map((argument) => ({
      path: "kernel command line",
      problem: `the host's own configuration says ${argument}, which leaves the cards with the host`,
      remedy: `take ${argument} out of the host's boot loader configuration (${configuredIn})`,
    }));

/** The file that the stack's options of a module are written to (modprobe.ts). */
const ownFile = (module: string): string => (module.startsWith("vfio") ? "vfio.conf" : `${module}.conf`);

/** Options that the stack sets and something that counts more sets otherwise. */
const contradicted = (facts: Facts, kernel: KernelSpec, settings: readonly ModuleSetting[]): Problem[] => {
  const wanted = [
    ...Object.entries(kernel.moduleOptions).flatMap(([module, options]) =>
      Object.entries(options).map(([name, value]) => ({
        module,
        name,
        value,
        path: `kernel.moduleOptions.${module}.${name}`,
      })),
    ),
    ...(kernel.disableVga
      ? [{ module: "vfio_pci", name: "disable_vga", value: 1, path: "kernel.disableVga" }]
      : []),
  ];
  return wanted.flatMap(({ module, name, value, path }) =>
    settings
      .filter((setting) => setting.module === module && setting.name === name)
      // of these the arguments themselves are compared
      .filter(() => !isBuiltIn(facts, module))
      .filter((setting) => !parameterValues(value).includes(setting.value))
      // of modprobe.d's files the last one wins by its name; arguments and lists of the initramfs win over all
      .filter(({ where }) => !where.includes("/modprobe.d/") || fileName(where) > ownFile(module))
      .map(({ text, where }) => ({
        path,
        problem: `${where} says ${text}, which wins over the stack's ${name}=${value}`,
        remedy: `take it out of ${where}, or set the stack to the same value`,
      })),
  );
};

/**
 * What earlier set-ups left on a host: module parameters and overrides elsewhere than where this project writes. What
 * takes a device outside of the stack, or keeps the stack's own settings from counting, is refused; the rest is named.
 */
export const leftovers = (facts: Facts, given: OwnArguments): Leftovers => {
  const { kernel, bound, wanted, own, configuredIn, generator, applied } = given;
  const names = new Set([...given.managed, WAITING].map(fileName));
  // a file in /etc hides one of its name elsewhere
  const isOurs = (path: string): boolean =>
    facts.receipts[receiptName(path)] !== undefined ||
    (path.includes("/modprobe.d/") && names.has(fileName(path)));
  const files = fileSettings(facts, generator).filter(({ where }) => !isOurs(where));
  const configured = argumentSettings(own, configuredIn);
  const known = new Set([...own, ...wanted, ...applied]);
  const running = argumentSettings(
    parseCmdline(facts.cmdline).filter((argument) => !known.has(argument)),
    RUNNING,
  );
  const settings = [...files, ...configured, ...running];
  const ids = claimed(facts, bound, idClaims(facts, settings));
  const byAddress = overrides(facts, given);
  const lines = moduleLines(facts, isOurs);
  return {
    problems: [
      ...ids.problems,
      ...secondLists(kernel, bound, settings),
      ...byAddress.problems,
      ...lines.problems,
      ...switchedOff(given),
      ...contradicted(facts, kernel, [...files, ...configured]),
    ],
    warnings: [...ids.warnings, ...byAddress.warnings, ...lines.warnings],
  };
};
