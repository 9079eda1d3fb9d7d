import type { DomainContext, HostCard, NumaNode } from "./context.ts";
import { formatCpuset } from "../spec/cpuset.ts";
import { listed, type Report } from "./report.ts";
import type { ResolvedPinning } from "./resolved.ts";
import type { ProfileSettings } from "../spec/settings.ts";
import { formatMiB } from "../spec/size.ts";

interface NamedCard {
  readonly name: string;
  readonly card: HostCard;
}

const nodesOf = (cpus: readonly number[], nodes: readonly NumaNode[]): number[] =>
  nodes.filter((node) => node.cpus.some((cpu) => cpus.includes(cpu))).map(({ node }) => node);

type PinningSettings = NonNullable<ProfileSettings["pinning"]>;

/** The CPUs of QEMU's own threads, by their fields. */
const threadSets = ({
  emulator,
  iothreads,
}: PinningSettings): readonly (readonly [string, readonly number[]])[] => [
  ...(emulator ? [["pinning.emulator", emulator] as const] : []),
  ...iothreads.map((cpus, index) => [`pinning.iothreads.${index}`, cpus] as const),
];

/** CPUs or memory on another node than a card's: every access of the card crosses the link between the sockets. */
const checkNodes = (
  pinning: PinningSettings,
  cards: readonly NamedCard[],
  nodes: readonly NumaNode[],
  report: Report,
): void => {
  if (pinning.crossNode || nodes.length < 2) return;
  // the guest's CPUs in one line: they are many, and usually wrong together
  const sets: readonly (readonly [field: string, cpus: readonly number[]])[] = [
    ["pinning.vcpus", [...new Set(pinning.vcpus.flat())]],
    ...threadSets(pinning),
  ];
  for (const { name, card } of cards) {
    const home = nodes.find(({ node }) => node === card.numaNode);
    if (!home) continue;
    const remedy = `pin to the CPUs of node ${home.node} (${formatCpuset(home.cpus)}), or set pinning.crossNode: true`;
    const elsewhere = nodes.filter((node) => node !== home).flatMap(({ cpus }) => cpus);
    for (const [field, cpus] of sets) {
      const away = cpus.filter((cpu) => elsewhere.includes(cpu));
      if (away.length > 0)
        report.add(
          field,
          `card ${name} sits on NUMA node ${home.node}; CPUs ${formatCpuset(away)} are on node ${listed(nodesOf(away, nodes))}`,
          remedy,
        );
    }
    if (pinning.memoryNode !== undefined && pinning.memoryNode !== home.node)
      report.add(
        "pinning.memoryNode",
        `card ${name} sits on NUMA node ${home.node}, the memory would come from node ${pinning.memoryNode}`,
        `set pinning.memoryNode: ${home.node}, or pinning.crossNode: true`,
      );
  }
};

const checkHostCpus = (pinning: PinningSettings, context: DomainContext, report: Report): void => {
  const sets = [
    ...pinning.vcpus.map((cpus, index) => [`pinning.vcpus.${index}`, cpus] as const),
    ...threadSets(pinning),
  ];
  for (const [field, cpus] of sets) {
    const foreign = cpus.filter((cpu) => !context.resources.cpus.includes(cpu));
    if (foreign.length > 0)
      report.add(
        field,
        `the host has no CPU ${formatCpuset(foreign)}; it has ${formatCpuset(context.resources.cpus)}`,
        "choose among the host's CPUs",
      );
  }
};

export const resolvePinning = (
  settings: ProfileSettings,
  vcpus: number,
  cards: readonly NamedCard[],
  context: DomainContext,
  report: Report,
): ResolvedPinning | undefined => {
  const { pinning } = settings;
  if (!pinning) return undefined;
  if (pinning.vcpus.length !== vcpus)
    report.add(
      "pinning.vcpus",
      `pins ${pinning.vcpus.length} CPUs, the guest has ${vcpus}`,
      `give one entry for each of the ${vcpus} guest CPUs`,
    );
  if (pinning.iothreads.length > settings.iothreads)
    report.add(
      "pinning.iothreads",
      `pins ${pinning.iothreads.length} I/O threads, there are ${settings.iothreads}`,
      `set iothreads: ${pinning.iothreads.length}`,
    );
  checkHostCpus(pinning, context, report);
  const { numaNodes } = context.resources;
  checkNodes(pinning, cards, numaNodes, report);
  if (pinning.memoryNode !== undefined) {
    const node = numaNodes.find((candidate) => candidate.node === pinning.memoryNode);
    if (!node)
      report.add(
        "pinning.memoryNode",
        `the host has no NUMA node ${pinning.memoryNode}; it has ${listed(numaNodes.map((one) => one.node))}`,
        "choose one of them, or leave pinning.memoryNode out",
      );
    else if (settings.memory > node.memoryMiB)
      report.add(
        "pinning.memoryNode",
        `NUMA node ${node.node} has ${formatMiB(node.memoryMiB)}, the guest wants ${formatMiB(settings.memory)}`,
        "lower memory, or leave pinning.memoryNode out",
      );
  }
  const { emulator, iothreads, memoryNode } = pinning;
  return { vcpus: pinning.vcpus, emulator, iothreads, memoryNode };
};
