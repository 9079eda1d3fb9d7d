import { formatCpuset } from "../spec/cpuset.ts";
import type { ResolvedDomain } from "../resolve/resolved.ts";
import { element, type XmlElement } from "../document/xml-tree.ts";

const KIB_PER_MIB = 1024;

/** <memory>, <currentMemory> and <memoryBacking>; KiB, as libvirt prints them. */
export const memoryElements = (domain: ResolvedDomain): XmlElement[] => {
  const { memoryMiB, hugepageKiB, sharedMemory } = domain;
  const size = [String(memoryMiB * KIB_PER_MIB)];
  const backing = [
    hugepageKiB !== undefined &&
      element("hugepages", {}, [element("page", { size: hugepageKiB, unit: "KiB" })]),
    // another process can map the guest's memory only when a file descriptor stands for it
    sharedMemory && element("source", { type: "memfd" }),
    sharedMemory && element("access", { mode: "shared" }),
  ].filter((child) => child !== false);
  return [
    element("memory", { unit: "KiB" }, size),
    element("currentMemory", { unit: "KiB" }, size),
    ...(backing.length > 0 ? [element("memoryBacking", {}, backing)] : []),
  ];
};

/** <vcpu>, <iothreads>, <cputune> and <numatune>. */
export const schedulingElements = ({ vcpus, iothreads, pinning }: ResolvedDomain): XmlElement[] => [
  element("vcpu", { placement: "static" }, [String(vcpus)]),
  ...(iothreads > 0 ? [element("iothreads", {}, [String(iothreads)])] : []),
  ...(pinning
    ? [
        element("cputune", {}, [
          ...pinning.vcpus.map((cpus, vcpu) => element("vcpupin", { vcpu, cpuset: formatCpuset(cpus) })),
          pinning.emulator && element("emulatorpin", { cpuset: formatCpuset(pinning.emulator) }),
          ...pinning.iothreads.map((cpus, index) =>
            element("iothreadpin", { iothread: index + 1, cpuset: formatCpuset(cpus) }),
          ),
        ]),
      ]
    : []),
  ...(pinning?.memoryNode === undefined
    ? []
    : [element("numatune", {}, [element("memory", { mode: "strict", nodeset: pinning.memoryNode })])]),
];

export const cpuElement = ({ cpu, topology }: ResolvedDomain): XmlElement =>
  element(
    "cpu",
    {
      mode: cpu.mode,
      check: cpu.mode === "host-model" ? "partial" : "none",
      // a domain with a card never migrates, so it may have what does not migrate either, such as invtsc
      migratable: cpu.mode === "host-passthrough" ? "off" : undefined,
    },
    [
      element("topology", {
        sockets: topology.sockets,
        dies: 1,
        cores: topology.cores,
        threads: topology.threads,
      }),
      cpu.cachePassthrough && element("cache", { mode: "passthrough" }),
      ...cpu.features.map(({ name, policy }) => element("feature", { policy, name })),
    ],
  );
