import { contradictions, duplicates, switchesIommuOff } from "../../facts/cmdline.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import type { KernelSpec } from "./kernel-spec.ts";
import { optionWord, vfioOptions } from "./modprobe.ts";
import type { Problem } from "../../facts/problem.ts";

/** What the kernel keeps for itself and the host's services, in KiB: huge pages are gone for everything else. */
const FOR_THE_HOST_KIB = 2 * 1024 * 1024;
const PAGE_KIB = { "2M": 2048, "1G": 1024 * 1024 } as const;

/** The function that reads the option in kernels with the ACS override patch, which no mainline kernel has. */
export const ACS_OVERRIDE_SYMBOL = "pcie_acs_override_setup";

/** Modules that are compiled into the running kernel take no options from modprobe.d (modprobe.d(5)). */
export const isBuiltIn = (facts: Facts, module: string): boolean =>
  facts.vfioBuiltin.includes(module) || facts.moduleInfo?.[module]?.builtin === true;

/** Arguments the stack stands for, in the order they are written. */
export const wantedArguments = (
  facts: Facts,
  kernel: KernelSpec,
  functions: readonly PciDevice[],
): string[] => {
  const ids = kernel.binding === "id" ? [...new Set(functions.map((device) => device.id))] : [];
  const all = [
    // Intel: the default of many kernels leaves the IOMMU off or off for graphics; AMD: always on (kernel-parameters.txt)
    ...(facts.cpu.vendor === "intel" ? ["intel_iommu=on"] : []),
    ...(facts.cpu.vendor === "amd" && kernel.amdIommuOn ? ["amd_iommu=on"] : []),
    ...(kernel.iommuPassthrough ? ["iommu=pt"] : []),
    ...(kernel.pcieAcsOverride.length > 0 ? [`pcie_acs_override=${kernel.pcieAcsOverride.join(",")}`] : []),
    ...(kernel.hugepages
      ? [
          // /dev/hugepages has pages of the default size
          `default_hugepagesz=${kernel.hugepages.size}`,
          `hugepagesz=${kernel.hugepages.size}`,
          `hugepages=${kernel.hugepages.count}`,
        ]
      : []),
    ...(kernel.isolcpus === undefined ? [] : [`isolcpus=${kernel.isolcpus}`]),
    ...kernel.video.map((value) => `video=${value}`),
    ...(isBuiltIn(facts, "vfio_pci")
      ? vfioOptions(ids, kernel.disableVga).map((option) => `vfio-pci.${option}`)
      : []),
    ...Object.entries(kernel.moduleOptions).flatMap(([module, options]) =>
      isBuiltIn(facts, module)
        ? Object.entries(options).map(([name, value]) => `${module}.${optionWord(name, value)}`)
        : [],
    ),
    ...kernel.arguments,
  ];
  return [...new Set(all)];
};

const hugepageProblems = (facts: Facts, kernel: KernelSpec, own: readonly string[]): Problem[] => {
  if (!kernel.hugepages) return [];
  const { size, count } = kernel.hugepages;
  const path = "kernel.hugepages";
  const most = Math.floor((facts.memoryKiB - FOR_THE_HOST_KIB) / PAGE_KIB[size]);
  const others = own.filter((argument) => /^(default_)?hugepages(z)?=/.test(argument));
  const wanted = [`default_hugepagesz=${size}`, `hugepagesz=${size}`, `hugepages=${count}`];
  return [
    ...(count > most
      ? [
          {
            path,
            problem: `${count} pages of ${size} are ${Math.round((count * PAGE_KIB[size]) / 1024)} MiB, the host has ${Math.round(facts.memoryKiB / 1024)} MiB`,
            remedy: `${Math.max(0, most)} at most, which leaves 2 GiB for the host`,
          },
        ]
      : []),
    ...(facts.cpu.hugePages && !facts.cpu.hugePages.includes(size)
      ? [
          {
            path,
            problem: `the processor has no pages of ${size}`,
            remedy: `it has: ${facts.cpu.hugePages.join(", ") || "none"}`,
          },
        ]
      : []),
    ...(others.length > 0 && others.join(" ") !== wanted.join(" ")
      ? [
          {
            path,
            problem: `the host's own configuration sets ${others.join(" ")}, wanted is ${wanted.join(" ")}`,
            remedy: "take one of the two out: each hugepages= counts for the size in front of it",
          },
        ]
      : []),
  ];
};

const isolationProblems = (facts: Facts, isolcpus: string | undefined): Problem[] => {
  if (isolcpus === undefined) return [];
  const count = facts.cpu.sockets * facts.cpu.cores * facts.cpu.threads;
  const isolated = new Set(
    isolcpus.split(",").flatMap((range) => {
      const [from = 0, to = from] = range.split("-").map(Number);
      return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
    }),
  );
  const beyond = [...isolated].filter((cpu) => cpu >= count);
  const path = "kernel.isolcpus";
  if (beyond.length > 0)
    return [
      {
        path,
        problem: `the host has ${count === 1 ? "processor 0 alone" : `processors 0-${count - 1}`}, not ${beyond.join(", ")}`,
        remedy: "name processors as lscpu -e does",
      },
    ];
  return isolated.size >= count
    ? [{ path, problem: "no processor is left for the host", remedy: "leave at least one out, best 0" }]
    : [];
};

/** Arguments that nothing wanted contradicts, and that leave the IOMMU off all the same: `amd_iommu=off`. */
const iommuOffProblems = (
  facts: Facts,
  wanted: readonly string[],
  own: readonly string[],
  configuredIn: string,
): Problem[] => {
  const off = (all: readonly string[]): string[] =>
    all.filter(
      (argument) =>
        switchesIommuOff(argument, facts.cpu.vendor) && contradictions(wanted, [argument]).length === 0,
    );
  return [
    ...off(own).map((argument) => ({
      path: "kernel command line",
      problem: `the host's own configuration says ${argument}, which leaves the IOMMU off`,
      remedy: `take ${argument} out of the host's boot loader configuration (${configuredIn})`,
    })),
    ...off(wanted).map((argument) => ({
      path: "kernel.arguments",
      problem: `the stack asks for ${argument}, which leaves the IOMMU off`,
      remedy: "leave it out",
    })),
  ];
};

/**
 * What stands against the wanted arguments.
 * @param own what the host's configuration has without us
 * @param configuredIn where that stands
 */
export const argumentProblems = (
  facts: Facts,
  kernel: KernelSpec,
  wanted: readonly string[],
  own: readonly string[],
  configuredIn: string,
): Problem[] => [
  ...contradictions(wanted, own).map(({ wanted: argument, found }) => ({
    path: "kernel command line",
    problem: `the host's own configuration says ${found}, wanted is ${argument}`,
    remedy: `take ${found} out of the host's boot loader configuration (${configuredIn})`,
  })),
  // either of two opposed ones meets the other
  ...contradictions(wanted, wanted)
    .filter(({ wanted: argument, found }) => wanted.indexOf(argument) > wanted.indexOf(found))
    .map(({ wanted: argument, found }) => ({
      path: "kernel.arguments",
      problem: `the stack asks for ${found} and for ${argument}`,
      remedy: "leave one of them out",
    })),
  ...iommuOffProblems(facts, wanted, own, configuredIn),
  ...hugepageProblems(facts, kernel, own),
  ...isolationProblems(facts, kernel.isolcpus),
  ...(kernel.pcieAcsOverride.length > 0 && !(facts.symbols ?? []).includes(ACS_OVERRIDE_SYMBOL)
    ? [
        {
          path: "kernel.pcieAcsOverride",
          problem: `Linux ${facts.kernel} has not the ACS override patch: it would ignore the argument, and nothing would be isolated`,
          remedy: "use a kernel that has it (Proxmox VE, linux-zen), or put the card into another slot",
        },
      ]
    : []),
];

/** What a person should know about the wanted arguments. */
export const argumentWarnings = (
  facts: Facts,
  kernel: KernelSpec,
  own: readonly string[],
  configuredIn: string,
): string[] => [
  ...(kernel.amdIommuOn
    ? [
        facts.cpu.vendor === "amd"
          ? "amd_iommu=on is no value the kernel knows: it is written as asked, and changes nothing"
          : "amd_iommu=on is asked for and left out: the processor is not AMD's",
      ]
    : []),
  ...(kernel.pcieAcsOverride.length > 0
    ? [
        "pcie_acs_override splits IOMMU groups without the hardware's word for it: devices that share a bridge may still reach each other's memory, so a guest may read or change what another guest's or the host's device does",
      ]
    : []),
  ...duplicates(own).map((argument) => `${argument} stands more than once in ${configuredIn}`),
];
