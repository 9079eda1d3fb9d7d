import { bindList } from "./binding.ts";
import {
  boundCards,
  cardProblems,
  idProblems,
  repeatedCards,
  sharedGroups,
  stackFunctions,
} from "../cards/card-problems.ts";
import { compiledInProblems } from "./compiled-in.ts";
import { missingArguments } from "../../facts/cmdline.ts";
import type { HostDrivers } from "../driver.ts";
import { editStep, type HostEdit } from "../edit.ts";
import {
  effectLine,
  goneEffects,
  parameterValues,
  unmetEffects,
  type Effect,
  type UnmetEffect,
} from "./effects.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import { groupDrift } from "../cards/group-drift.ts";
import { bootRoomProblems, iommuProblems, kernelProblems } from "./host-findings.ts";
import { argumentProblems, argumentWarnings, isBuiltIn, wantedArguments } from "./kernel-arguments.ts";
import type { CardSpec, KernelSpec } from "./kernel-spec.ts";
import { leftovers } from "./leftover-problems.ts";
import { moduleConf, RIVALS, vfioConf } from "./modprobe.ts";
import { moduleOptionProblems } from "./module-options.ts";
import type { Checked, Problem } from "../../facts/problem.ts";
import { planReboot } from "./reboot-plan.ts";
import { resetFindings } from "../cards/reset.ts";
import { receiptNotes, splitMissing } from "../receipt.ts";
import { receiptName, type Step } from "../step.ts";
import { isVirtual, SRIOV_RULES, sriovRules, virtualFunctionProblems } from "../cards/virtual-functions.ts";

/** The effects that the last proof showed, one a line; the agent's, read to see what is wanted no more. */
export const APPLIED = "/var/lib/vfio-fleet/boot/applied";

export interface PassthroughSpec {
  /** the host may lose its own display */
  readonly headless: boolean;
  readonly cards: Readonly<Record<string, CardSpec>>;
  readonly kernel: KernelSpec;
}

export interface KernelPlan {
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
  /** the words for the agent's `leave`: how its own removal may reboot the host */
  readonly leave: readonly string[];
}

/**
 * vfio modules to load early: what any installed kernel has as modules, for the next one may be another. vfio_virqfd
 * went into vfio in Linux 6.2.
 */
const earlyModules = (facts: Facts): string[] => {
  const has = new Set(Object.values(facts.vfioModules).flat());
  return ["vfio", "vfio_iommu_type1", "vfio_virqfd", "vfio_pci"].filter((module) => has.has(module));
};

/** Files that every loader and generator needs alike. */
const commonFiles = (
  facts: Facts,
  { kernel }: PassthroughSpec,
  functions: readonly PciDevice[],
): HostEdit[] => {
  const byId = kernel.binding === "id";
  const { vfio, vfio_pci: vfioPci, ...others } = kernel.moduleOptions;
  const made = kernel.virtualFunctions.flatMap(({ of, count }) => {
    const parent = facts.pci.find((device) => device.address === of);
    return parent ? [{ parent, count }] : [];
  });
  const virtual = functions.filter((device) => isVirtual(facts, device.address));
  return [
    vfioConf(byId ? [...new Set(functions.map((device) => device.id))] : [], kernel.disableVga, {
      ...(vfio && { vfio }),
      ...(vfioPci && { vfio_pci: vfioPci }),
    }),
    ...Object.entries(others)
      .filter(([module]) => !isBuiltIn(facts, module))
      .map(([module, options]) => moduleConf(module, options)),
    // virtual functions are made after the initramfs, by rules of their own
    bindList(byId ? [] : functions.filter((device) => !virtual.includes(device))),
    ...(made.length > 0 ? [sriovRules(made, virtual)] : []),
  ].map((file) => ({ kind: "file" as const, ...file }));
};

const wantedEffects = (
  { kernel }: PassthroughSpec,
  wanted: readonly string[],
  bound: readonly PciDevice[],
  functions: readonly PciDevice[],
  modules: readonly string[],
): Effect[] => [
  ...wanted.map((argument) => ({ kind: "argument" as const, argument })),
  ...bound.map(({ address, id }) => ({ kind: "function" as const, address, id })),
  ...functions.map(({ address }) => ({
    kind: "alone" as const,
    address,
    with: functions.map((other) => other.address),
  })),
  ...Object.entries(kernel.moduleOptions).flatMap(([module, options]) =>
    Object.entries(options).map(([name, value]) => ({
      kind: "parameter" as const,
      module,
      name,
      values: parameterValues(value),
    })),
  ),
  ...(kernel.hugepages
    ? [
        {
          kind: "hugepages" as const,
          kib: kernel.hugepages.size === "1G" ? 1_048_576 : 2048,
          count: kernel.hugepages.count,
        },
      ]
    : []),
  ...modules.map((module) => ({ kind: "module" as const, module })),
];

/** The effects that the last proof showed, as lines; undefined where there is no list. */
const provedEffects = (facts: Facts): string[] | undefined =>
  facts.files[APPLIED]?.content.split("\n").filter((line) => line !== "");

/** What is to be seen to before the host is so: by somebody's doing, and because the stack has changed. */
const bootChanges = (
  facts: Facts,
  unmet: readonly UnmetEffect[],
  gone: readonly string[],
  menu: readonly string[],
  functions: readonly PciDevice[],
): { readonly drift: readonly string[]; readonly wanted: readonly string[] } => {
  const proof = receiptNotes(facts, "prove");
  const proved = provedEffects(facts);
  // a proof without its list was of all that is wanted; one that is pending was of nothing
  const wasProved = (line: string): boolean =>
    proved ? proved.includes(line) : proof !== undefined && proof["pending"] === undefined;
  const missing = [
    ...unmet,
    ...menu.map((argument) => ({
      line: `argument ${argument}`,
      found: `boot menu: an entry lacks ${argument}`,
    })),
  ];
  const { lost, added } = splitMissing(missing, ({ line }) => wasProved(line));
  const stamp = facts.initramfs.images.map((image) => `${image},`).join("");
  const images = proof?.["images"];
  return {
    drift: [
      ...lost.map(({ found }) => found),
      ...(images !== undefined && images !== stamp
        ? ["initramfs: rebuilt by somebody since it was proved"]
        : []),
      ...groupDrift(facts, functions),
    ],
    wanted: [...new Set(added.map(({ line }) => line)), ...gone],
  };
};

/**
 * Plans everything between the firmware and the running system: files, boot image and menu, reboot, proof.
 * @param consent whether the person who runs the program has agreed to a reboot (policy `ask`)
 * @returns the steps in their order, or every reason why they must not be taken
 */
export const planKernel = (
  spec: PassthroughSpec,
  facts: Facts,
  drivers: HostDrivers,
  consent = false,
): Checked<KernelPlan> => {
  const { kernel, cards } = spec;
  const { bootloader, initramfs } = drivers;
  const functions = stackFunctions(facts, cards);
  // the others stay with the host's drivers until libvirt takes them for a domain
  const bound = stackFunctions(facts, boundCards(cards));
  const own = bootloader.ownArguments(facts);
  const wanted = wantedArguments(facts, kernel, bound);
  const modules = earlyModules(facts);
  const common = commonFiles(facts, spec, bound);
  const early = initramfs.files({
    modules,
    files: common.map(({ path }) => path).filter((path) => path !== SRIOV_RULES),
    rivals: kernel.binding === "id" ? RIVALS : [],
  });
  const edits: HostEdit[] = [
    ...common,
    ...early.map((file) => ({ kind: "file" as const, ...file })),
    ...bootloader.edits(missingArguments(wanted, own)),
  ];
  const files = edits.filter((edit) => edit.kind === "file");
  const effects = [...wantedEffects(spec, wanted, bound, functions, modules), ...initramfs.effects(files)];
  const lines = effects.map(effectLine);

  const unmet = unmetEffects(facts, effects);
  const gone = goneEffects(facts.files[APPLIED]?.content ?? "", lines);
  const changes = bootChanges(facts, unmet, gone, bootloader.lacks(facts, wanted), functions);
  const proof = receiptNotes(facts, "prove");
  const inPlace =
    changes.drift.length === 0 && changes.wanted.length === 0 && proof?.["pending"] === undefined;
  const due = [...unmet.map(({ found }) => found), ...gone];
  const reboot = planReboot(kernel, facts, due, consent);
  const left = leftovers(facts, {
    kernel,
    bound,
    wanted,
    own,
    configuredIn: bootloader.configuredIn,
    generator: initramfs.name,
    managed: files.map(({ path }) => path),
    applied: (provedEffects(facts) ?? []).flatMap((line) => /^argument (.*)$/.exec(line)?.[1] ?? []),
  });
  const problems: Problem[] = [
    ...kernelProblems(facts),
    ...iommuProblems(facts),
    ...bootloader.refuse(facts, wanted),
    ...(initramfs.refuse?.(facts) ?? []),
    ...(due.length > 0 ? bootRoomProblems(facts) : []),
    ...Object.entries(cards).flatMap(([name, card]) =>
      cardProblems(facts, name, card, functions, spec.headless),
    ),
    ...repeatedCards(facts, cards),
    ...virtualFunctionProblems(facts, kernel, cards),
    ...(kernel.binding === "id"
      ? [...idProblems(facts, boundCards(cards), bound), ...compiledInProblems(facts, bound)]
      : []),
    ...argumentProblems(facts, kernel, wanted, own, bootloader.configuredIn),
    ...moduleOptionProblems(facts, kernel.moduleOptions),
    ...left.problems,
    ...reboot.problems,
  ];
  if (problems.length > 0) return { ok: false, problems };

  // beside the effects the files, by which the agent knows those of an earlier description
  const input = [...lines, ...files.map(({ path }) => `file ${path}`)].map((line) => `${line}\n`).join("");
  const fileSteps = edits.map((edit) => editStep(facts, edit));
  const told = {
    ...(changes.drift.length > 0 && {
      drift: {
        kind: "state" as const,
        found: changes.drift.join("; "),
        wanted: "as proved by the last up",
      },
    }),
    ...(proof && changes.wanted.length > 0 && { nowWanted: changes.wanted.join("; ") }),
  };
  const steps: Step[] = [
    ...fileSteps,
    {
      key: "boot",
      verb: "boot",
      args: [],
      input,
      after: fileSteps.map((step) => step.key),
      inPlace,
      minutes: 40,
      ...told,
    },
    {
      key: "reboot",
      verb: "reboot",
      args: reboot.args,
      input,
      after: ["boot"],
      inPlace,
      minutes: 10 + Math.ceil(kernel.drainTimeoutSeconds / 60),
      ...(reboot.consent && { consent: "reboot" as const }),
    },
    {
      key: "prove",
      verb: "prove",
      args: [kernel.reboot],
      input,
      after: ["reboot"],
      inPlace,
      minutes: 40,
      patient: true,
    },
  ];
  const warnings = [
    ...reboot.warnings,
    ...argumentWarnings(facts, kernel, own, bootloader.configuredIn),
    ...left.warnings,
    ...files.flatMap((file) => {
      const there = facts.files[file.path];
      return there && there.content !== file.content && !facts.receipts[receiptName(file.path)]
        ? [`${file.path} is there already and will be replaced; a copy is kept and put back by destroy`]
        : [];
    }),
    ...sharedGroups(facts, cards),
    ...resetFindings(facts, functions).map(({ problem }) => problem),
  ];
  return { ok: true, value: { steps, warnings, leave: reboot.args } };
};
