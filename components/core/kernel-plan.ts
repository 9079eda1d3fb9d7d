import { bindList } from "./binding.ts";
import { cardFindings } from "./card-findings.ts";
import { contradictions, missingArguments } from "./cmdline.ts";
import type { HostDrivers } from "./driver.ts";
import { effectLine, parameterValues, unmetEffects, type Effect } from "./effects.ts";
import type { Facts, PciDevice } from "./facts.ts";
import { iommuProblems, kernelProblems } from "./host-findings.ts";
import { functionsOf } from "./iommu.ts";
import type { CardSpec, KernelSpec } from "./kernel-spec.ts";
import { moduleConf, vfioConf } from "./modprobe.ts";
import { isDisplay, slotOf } from "./pci.ts";
import type { Checked, Problem } from "./problem.ts";
import { resetFindings } from "./reset.ts";
import { fileStep, receiptName, type Step } from "./step.ts";

export interface PassthroughSpec {
  /** the host may lose its own display */
  readonly headless: boolean;
  readonly cards: Readonly<Record<string, CardSpec>>;
  readonly kernel: KernelSpec;
}

export interface KernelPlan {
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
}

const cardProblems = (facts: Facts, name: string, card: CardSpec, headless: boolean): Problem[] => {
  const path = `cards.${name}`;
  const functions = functionsOf(facts, card.address);
  if (!functions.some((device) => device.address === card.address)) {
    const candidates = facts.pci.filter(isDisplay).map((device) => `${device.address} ${device.id}`);
    const twins = facts.pci.filter((device) => device.id === card.ids[0]).map((device) => device.address);
    return [
      {
        path: `${path}.address`,
        problem: `the host has no PCI device at ${card.address}`,
        remedy:
          twins.length > 0
            ? `a device ${card.ids[0]} is at ${twins.join(", ")}`
            : `display devices there: ${candidates.join(", ") || "none"}`,
      },
    ];
  }
  const problems: Problem[] = [];
  const found = functions.map((device) => device.id);
  if (found.join(" ") !== card.ids.join(" "))
    problems.push({
      path: `${path}.ids`,
      problem: `the functions at ${slotOf(card.address)} are ${found.join(", ")}, expected ${card.ids.join(", ")}`,
      remedy: "the slot holds another card: correct the address or the ids (all functions, in order)",
    });
  const subsystem = functions[0]?.subsystem;
  if (card.subsystem !== undefined && subsystem !== card.subsystem)
    problems.push({
      path: `${path}.subsystem`,
      problem: `the card's subsystem is ${subsystem}, expected ${card.subsystem}`,
      remedy: "the slot holds a card of another maker: correct the address or the subsystem",
    });
  for (const { kind, problem, remedy } of cardFindings(facts, functions))
    if (kind !== "boot-display" || !headless) problems.push({ path, problem, remedy });
  return problems;
};

const idProblems = (
  facts: Facts,
  cards: Readonly<Record<string, CardSpec>>,
  functions: readonly PciDevice[],
): Problem[] => {
  const own = new Set(functions.map((device) => device.address));
  return functions.flatMap((device) =>
    facts.pci
      .filter((other) => other.id === device.id && !own.has(other.address))
      .map((other) => ({
        path: "kernel.binding",
        problem: `binding by id takes ${other.address} (${other.id}) too, which is not among the cards ${Object.keys(cards).join(", ")}`,
        remedy: "use binding: address",
      })),
  );
};

/** Kernel arguments the stack stands for, in the order they are written. */
const wantedArguments = (facts: Facts, kernel: KernelSpec): string[] => [
  // Intel: the default of many kernels leaves the IOMMU off or off for graphics; AMD: always on (kernel-parameters.txt)
  ...(facts.cpu.vendor === "intel" ? ["intel_iommu=on"] : []),
  ...(facts.cpu.vendor === "amd" && kernel.amdIommuOn ? ["amd_iommu=on"] : []),
  ...(kernel.iommuPassthrough ? ["iommu=pt"] : []),
  ...kernel.arguments,
];

/** vfio modules to load early: what this kernel has as modules. vfio_virqfd went into vfio in Linux 6.2. */
const earlyModules = (facts: Facts): string[] => {
  const has = facts.vfioModules[facts.kernel] ?? [];
  return ["vfio", "vfio_iommu_type1", "vfio_virqfd", "vfio_pci"].filter((module) => has.includes(module));
};

/**
 * Plans everything between the firmware and the running system: files, boot image and menu, reboot, proof.
 * @returns the steps in their order, or every reason why they must not be taken
 */
export const planKernel = (
  spec: PassthroughSpec,
  facts: Facts,
  drivers: HostDrivers,
): Checked<KernelPlan> => {
  const { kernel, cards } = spec;
  const functions = Object.values(cards).flatMap((card) => functionsOf(facts, card.address));
  const own = drivers.bootloader.ownArguments(facts);
  const wanted = wantedArguments(facts, kernel);
  const opposed = contradictions(wanted, own);
  const problems = [
    ...kernelProblems(facts),
    ...iommuProblems(facts),
    ...drivers.bootloader.refuse(facts),
    ...Object.entries(cards).flatMap(([name, card]) => cardProblems(facts, name, card, spec.headless)),
    ...(kernel.binding === "id" ? idProblems(facts, cards, functions) : []),
    ...opposed.map(({ wanted: argument, found }) => ({
      path: "kernel command line",
      problem: `the host's own configuration says ${found}, wanted is ${argument}`,
      remedy: `take ${found} out of the host's boot loader configuration (/etc/default/grub)`,
    })),
  ];

  const modules = earlyModules(facts);
  const byId = kernel.binding === "id";
  const files = [
    vfioConf(byId ? [...new Set(functions.map((device) => device.id))] : [], kernel.disableVga),
    ...Object.entries(kernel.moduleOptions).map(([module, options]) => moduleConf(module, options)),
    bindList(byId ? [] : functions),
    ...drivers.initramfs.files({ modules }),
    ...drivers.bootloader.files(missingArguments(wanted, own)),
  ];
  const effects: Effect[] = [
    ...wanted.map((argument) => ({ kind: "argument" as const, argument })),
    ...functions.map(({ address, id }) => ({ kind: "function" as const, address, id })),
    ...functions.map(({ address }) => ({
      kind: "alone" as const,
      address,
      with: functions
        .filter((other) => slotOf(other.address) === slotOf(address))
        .map((other) => other.address),
    })),
    ...Object.entries(kernel.moduleOptions).flatMap(([module, options]) =>
      Object.entries(options).map(([name, value]) => ({
        kind: "parameter" as const,
        module,
        name,
        values: parameterValues(value),
      })),
    ),
    ...modules.map((module) => ({ kind: "module" as const, module })),
    ...drivers.initramfs.effects(files),
  ];
  const input = effects.map((effect) => `${effectLine(effect)}\n`).join("");

  const unmet = unmetEffects(facts, effects);
  const menu = drivers.bootloader.lacks(facts, wanted);
  const proof = facts.receipts[receiptName("prove")];
  const stamp = facts.initramfs.images.map((image) => `${image},`).join("");
  const rebuilt = proof !== undefined && proof.notes["images"] !== stamp;
  const found = [
    ...unmet,
    ...menu.map((argument) => `boot menu: an entry lacks ${argument}`),
    ...(rebuilt ? ["initramfs: rebuilt by somebody since it was proved"] : []),
  ];
  const so = found.length === 0 && proof?.notes["pending"] === undefined;
  const running = facts.libvirt.domains.filter((domain) => domain.running).map((domain) => domain.name);
  if (unmet.length > 0 && kernel.reboot === "auto" && running.length > 0)
    problems.push({
      path: "domains",
      problem: `the host has to reboot and ${running.join(", ")} would lose power`,
      remedy: "shut them down first (virsh shutdown NAME), or set kernel.reboot: never",
    });
  if (problems.length > 0) return { ok: false, problems };

  const fileSteps = files.map((file) => fileStep(facts, file));
  const drift =
    proof && !so
      ? { drift: { kind: "state" as const, found: found.join("; "), wanted: "as proved by the last up" } }
      : {};
  const steps: Step[] = [
    ...fileSteps,
    {
      key: "boot",
      verb: "boot",
      args: [],
      input,
      after: fileSteps.map((step) => step.key),
      so,
      minutes: 40,
      ...drift,
    },
    { key: "reboot", verb: "reboot", args: [kernel.reboot], input, after: ["boot"], so },
    {
      key: "prove",
      verb: "prove",
      args: [kernel.reboot],
      input,
      after: ["reboot"],
      so,
      minutes: 40,
      patient: true,
    },
  ];
  const warnings = [
    ...(kernel.amdIommuOn
      ? ["amd_iommu=on is no value the kernel knows: it is written as asked, and changes nothing"]
      : []),
    ...files.flatMap((file) => {
      const there = facts.files[file.path];
      return there && there.content !== file.content && !facts.receipts[receiptName(file.path)]
        ? [`${file.path} is there already and will be replaced; a copy is kept and put back by destroy`]
        : [];
    }),
    ...resetFindings(facts, functions).map(({ problem }) => problem),
  ];
  return { ok: true, value: { steps, warnings } };
};
