/** The lab's hosts. */
import type { Card, HostDescription, RootPort } from "./description.ts";

/**
 * An option ROM from the Debian package ipxe-qemu, with an image for UEFI and one for a BIOS (code types 3 and 0).
 */
const OPTION_ROM = "/usr/lib/ipxe/qemu/efi-e1000e.rom";

/** A stand-in for a GPU with its HDMI audio. */
const gpu = (name: string): Card => ({
  name,
  functions: [{ kind: "gpu", optionRom: OPTION_ROM }, { kind: "audio" }],
});
const port = (card: Card): RootPort => ({ kind: "card", card });

const XEON = {
  summary: "Intel, one GPU with audio",
  image: "debian-12",
  vendor: "intel",
  iommu: true,
  cpus: 2,
  memoryMiB: 3072,
  boardDisplay: true,
  rootPorts: [port(gpu("stand-in"))],
} as const satisfies HostDescription;

const FOUR = {
  ...XEON,
  summary: "Intel, four identical GPUs",
  rootPorts: [port(gpu("one")), port(gpu("two")), port(gpu("three")), port(gpu("four"))],
} as const satisfies HostDescription;

export const HOSTS = {
  "lab-xeon": XEON,
  "lab-fx8350": { ...XEON, summary: "AMD, one GPU with audio", vendor: "amd" },
  "lab-trixie": { ...XEON, summary: "Intel, one GPU with audio; systemd-boot, dracut", image: "debian-13" },
  "lab-trixie-amd": {
    ...XEON,
    summary: "AMD, one GPU with audio; systemd-boot, dracut",
    image: "debian-13",
    vendor: "amd",
  },
  "lab-four": FOUR,
  "lab-four-amd": { ...FOUR, summary: "AMD, four identical GPUs", vendor: "amd" },
  "lab-shared": {
    ...XEON,
    summary: "Intel, a GPU that shares its IOMMU group with a network card",
    rootPorts: [
      { kind: "pci-bridge", cards: [gpu("shared"), { name: "neighbour", functions: [{ kind: "nic" }] }] },
      port(gpu("alone")),
    ],
  },
  "lab-display": {
    ...XEON,
    summary: "Intel, the only GPU is the boot display",
    boardDisplay: false,
    rootPorts: [
      port({
        name: "only",
        functions: [{ kind: "gpu", display: true }, { kind: "audio" }],
      }),
    ],
  },
  "lab-carriers": {
    ...XEON,
    summary: "Intel, a second disk controller and a second network card beside the GPU",
    rootPorts: [
      port(gpu("stand-in")),
      port({ name: "disk", functions: [{ kind: "disk", sizeMiB: 256 }] }),
      port({ name: "network", functions: [{ kind: "nic" }] }),
    ],
  },
  "lab-rom": {
    ...XEON,
    summary: "Intel, a GPU with another card's ROM, and a network card with its own",
    rootPorts: [
      port(gpu("stand-in")),
      port({ name: "network", functions: [{ kind: "nic", optionRom: OPTION_ROM }] }),
    ],
  },
  "lab-noiommu": { ...XEON, summary: "Intel without an IOMMU", iommu: false },
} as const satisfies Record<string, HostDescription>;

export type HostName = keyof typeof HOSTS;

export const isHostName = (name: string): name is HostName => Object.hasOwn(HOSTS, name);

export const unknownHost = (name: string): Error =>
  new Error(`there is no lab host ${name}; the hosts are ${Object.keys(HOSTS).join(", ")}`);
