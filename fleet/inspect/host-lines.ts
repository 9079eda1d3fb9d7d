import type { Facts } from "../../components/facts/facts.ts";
import { describeLock } from "../../components/plan/lock.ts";
import { iommuState } from "../../components/plan/kernel/iommu-state.ts";
import { detectedDrivers } from "../../components/drivers/choose.ts";
import { softwareVersions } from "../../components/drivers/question.ts";
import { withoutSecrets } from "../targets/facts-file/mask.ts";
import { counted, formatDuration, formatKib, shortAddress } from "../ground/format.ts";

/** A label with its values, one value a line. */
export type HostLine = readonly [label: string, ...lines: readonly string[]];

const UNKNOWN = "unknown (only root may read it)";

const yes = (value: boolean | undefined, on = "on", off = "off"): string =>
  value === undefined ? UNKNOWN : value ? on : off;

const processor = ({ cpu, exists, survey }: Facts): HostLine => {
  const disabled = survey?.kernelLog?.boot.some((line) => /disabled by (the )?(bios|firmware)/i.test(line));
  const name = cpu.vendor === "amd" ? "AMD-V" : "VT-x";
  const state =
    cpu.virtualization && !disabled ? "on" : disabled ? "switched off in the firmware" : "not present";
  return [
    "Processor",
    `${cpu.model}: ${counted(cpu.sockets, "socket")}, ${counted(cpu.cores, "core")}, ${counted(cpu.threads, "thread")} each`,
    `${name} ${state}; /dev/kvm ${exists.includes("/dev/kvm") ? "there" : "missing"}`,
  ];
};

const memory = ({ memoryKiB, numaNodes, survey }: Facts): HostLine => [
  "Memory",
  formatKib(memoryKiB) + (survey ? `, ${formatKib(survey.memory.availableKiB)} available` : ""),
  ...(survey?.memory.hugePages ?? [])
    .filter(({ total }) => total > 0)
    .map(({ pageKiB, total, free }) => `huge pages of ${formatKib(pageKiB)}: ${total}, ${free} free`),
  ...(numaNodes.length > 1
    ? numaNodes.map(({ node, cpus, memoryKiB: size }) => `node ${node}: CPUs ${cpus}, ${formatKib(size)}`)
    : []),
];

const WORDS = {
  on: "on",
  off: "offered by the firmware, not enabled by the kernel",
  "not-offered": "not offered by the firmware",
} as const;

const boot = (facts: Facts): HostLine => {
  const found = detectedDrivers(facts);
  const firmware = facts.boot.efi
    ? `UEFI, Secure Boot ${yes(facts.survey?.secureBoot ?? undefined)}`
    : "BIOS";
  return [
    "Boot",
    `${found.bootloader ?? facts.boot.loaderInfo ?? "a loader that is not known"} (${firmware})`,
    `initramfs: ${found.initramfs ?? (facts.initramfs.tools.join(" ") || "no known tool")}`,
    withoutSecrets(facts.cmdline),
  ];
};

const screen = (facts: Facts): HostLine => {
  const display = facts.pci.filter((device) => device.bootVga === true);
  const frame = facts.survey?.bootFramebuffer;
  return [
    "Screen",
    display.length > 0
      ? `boot display ${display.map((device) => `${shortAddress(device.address)} (${device.driver ?? "no driver"})`).join(", ")}`
      : "no boot display",
    `framebuffers: ${facts.survey?.framebuffers.join(", ") || "none"}`,
    frame === undefined
      ? `the firmware's frame buffer: ${UNKNOWN}`
      : frame === null
        ? "nothing holds the firmware's frame buffer"
        : `${frame.name} holds the firmware's frame buffer${frame.card === null ? "" : ` in a BAR of ${shortAddress(frame.card)}`}`,
  ];
};

/** `libvirt 9.0.0-4+deb12u2`; a package that was not found is left out. */
const versions = ({ packages, libvirt }: Facts): HostLine => {
  const found = [...softwareVersions].flatMap(([name, candidates]) => {
    const version = candidates.map((candidate) => packages[candidate]).find((one) => one);
    return version ? [`${name} ${version}`] : [];
  });
  return [
    "Versions",
    found.join(", ") || "no package of libvirt, QEMU or OVMF found",
    `libvirt ${libvirt.socket ? "listens" : "does not listen"}`,
  ];
};

const security = ({ survey }: Facts): HostLine => [
  "Security",
  `AppArmor ${survey?.apparmor ? "on" : "off"}, SELinux ${survey?.selinux ?? "unknown"}, kernel lockdown ${survey?.lockdown ?? "unknown"}`,
];

/** All facts about a host that are not a list. */
export const hostLines = (facts: Facts): HostLine[] => {
  const { survey } = facts;
  const iommu = iommuState(facts);
  const machine = [
    ...new Set([survey?.machine.system, survey?.machine.board].filter((part) => part !== undefined)),
  ];
  return [
    [
      "System",
      `${facts.distro.name}, Linux ${facts.kernel} (${facts.architecture})`,
      `probed as ${facts.user}${["root", "none", "sudo-agent-old"].includes(facts.privilege) ? "" : " with sudo"}${survey?.uptimeSeconds === undefined ? "" : `, up ${formatDuration(survey.uptimeSeconds)}`}`,
    ],
    ...(machine.length > 0 || survey?.machine.firmware !== undefined
      ? [
          [
            "Machine",
            ...machine,
            ...(survey?.machine.firmware === undefined ? [] : [`firmware ${survey.machine.firmware}`]),
          ] as HostLine,
        ]
      : []),
    ...(facts.lock ? [["Locked", describeLock(facts.lock)] as HostLine] : []),
    processor(facts),
    memory(facts),
    ["IOMMU", WORDS[iommu.state], ...iommu.proof],
    boot(facts),
    screen(facts),
    versions(facts),
    security(facts),
    ...(survey?.clocksource
      ? [
          [
            "Clock",
            `${survey.clocksource.current} (available: ${survey.clocksource.available.join(", ")})`,
          ] as HostLine,
        ]
      : []),
  ];
};
