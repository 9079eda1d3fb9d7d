/** Turns a host's description into QEMU's command line; pure functions. */
import type { CardFunction, HostDescription } from "../description.ts";
import { BOARD_SLOTS, type PlacedCard, placePorts } from "./slots.ts";

/** Paths of one running host. Relative paths start in its folder, QEMU's working directory. */
export interface HostFiles {
  /** Absolute. */
  readonly disk: string;
  /** The firmware's code, read-only. */
  readonly firmware: string;
  /** The host's own copy of the firmware's variables. */
  readonly variables: string;
  /** The empty disk of a card that has one, by card name. */
  readonly cardDisk: (card: string) => string;
}

/** File names in a host's folder. Socket paths are relative because they have at most 107 bytes. */
export const HOST_FILES = {
  disk: "disk.qcow2",
  variables: "efi-variables.fd",
  qmp: "qmp.sock",
  vnc: "vnc.sock",
  serial: "serial.log",
  log: "qemu.log",
  state: "state.json",
} as const;

export type Accelerator = "kvm" | "tcg";

export interface QemuOptions {
  /** The instance's name. */
  readonly name: string;
  readonly host: HostDescription;
  readonly files: HostFiles;
  /** Port on 127.0.0.1 that reaches the host's sshd. */
  readonly sshPort: number;
  readonly accelerator: Accelerator;
}

/** The MAC address of the network card that the image configures. */
export const NETWORK_MAC = "52:54:00:1a:b0:00";

export const qemuArguments = ({ name, host, files, sshPort, accelerator }: QemuOptions): string[] => [
  "-no-user-config",
  "-nodefaults",
  ...option("name", name),
  ...option("display", "none"),
  // With KVM, interrupt remapping needs the IO-APIC in QEMU instead of the kernel.
  ...option("machine", accelerator === "kvm" ? "q35,kernel-irqchip=split" : "q35"),
  // One thread for all emulated processors: with one each, hosts lost interrupts and panicked
  // (docs/decisions/emulator.md).
  ...option("accel", accelerator === "kvm" ? "kvm" : "tcg,thread=single"),
  ...option("cpu", PROCESSORS[host.vendor]),
  ...option("smp", String(host.cpus)),
  ...option("m", `${host.memoryMiB}M`),
  ...drive({ if: "pflash", unit: "0", format: "raw", readonly: "on", file: files.firmware }),
  ...drive({ if: "pflash", unit: "1", format: "raw", file: files.variables }),
  ...iommu(host),
  ...drive({ if: "none", id: "root", format: "qcow2", cache: "unsafe", discard: "unmap", file: files.disk }),
  ...device("virtio-blk-pci", {
    drive: "root",
    bus: "pcie.0",
    addr: slot(BOARD_SLOTS.rootDisk),
    bootindex: "0",
  }),
  ...option("netdev", `user,id=network,ipv6=off,hostfwd=tcp:127.0.0.1:${sshPort}-:22`),
  ...device("virtio-net-pci", {
    netdev: "network",
    mac: NETWORK_MAC,
    bus: "pcie.0",
    addr: slot(BOARD_SLOTS.network),
    romfile: "",
  }),
  ...(host.boardDisplay
    ? device("VGA", { id: "board-display", bus: "pcie.0", addr: slot(BOARD_SLOTS.display) })
    : []),
  ...placePorts(host).flatMap(({ id, slot: portSlot, bridge, cards }, index) => [
    ...device("pcie-root-port", { id, bus: "pcie.0", addr: slot(portSlot), chassis: String(index + 1) }),
    ...(bridge === undefined ? [] : device("pcie-pci-bridge", { id: bridge, bus: id })),
    ...cards.flatMap((placed) => card(placed, bridge !== undefined, files)),
  ]),
  ...option("chardev", `file,id=serial,path=${HOST_FILES.serial},append=on`),
  ...serial(host),
  ...option("qmp", `unix:${HOST_FILES.qmp},server=on,wait=off`),
  ...option("vnc", `unix:${HOST_FILES.vnc}`),
];

/** The serial port. On an AMD host it has no interrupt and Linux polls it: QEMU 10 loses interrupts of the IO-APIC there (docs/decisions/emulator.md). */
const serial = ({ vendor }: HostDescription): string[] =>
  vendor === "amd"
    ? device("isa-serial", { chardev: "serial", irq: "0" })
    : option("serial", "chardev:serial");

// The reference hosts' processors: a Xeon E5 v3 (Haswell) and an FX-8350. SVM is off, because nested guests of the
// AMD host crash QEMU 7.2.
const PROCESSORS = {
  intel: "Haswell-noTSX,-erms,model-id=Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz",
  amd: "EPYC,-svm,family=21,model=2,stepping=0,model-id=AMD FX(tm)-8350 Eight-Core Processor",
} as const satisfies Record<HostDescription["vendor"], string>;

const iommu = (host: HostDescription): string[] => {
  if (!host.iommu) return [];
  return host.vendor === "intel"
    ? device("intel-iommu", { intremap: "on", "caching-mode": "on" })
    : device("amd-iommu", { intremap: "on" });
};

const card = ({ card, bus, slot: cardSlot }: PlacedCard, conventional: boolean, files: HostFiles): string[] =>
  card.functions.flatMap((fn, number) => {
    const id = number === 0 ? card.name : `${card.name}-${number}`;
    const place = {
      id,
      bus,
      addr: `${slot(cardSlot)}.${number}`,
      ...(number === 0 && card.functions.length > 1 && { multifunction: "on" }),
    };
    return cardFunction(fn, id, place, conventional, files);
  });

const cardFunction = (
  fn: CardFunction,
  id: string,
  place: Readonly<Record<string, string>>,
  conventional: boolean,
  files: HostFiles,
): string[] => {
  switch (fn.kind) {
    case "gpu":
      return device(fn.display ? "VGA" : "secondary-vga", {
        ...place,
        ...(fn.optionRom !== undefined && { romfile: fn.optionRom }),
      });
    case "audio":
      return device("ich9-intel-hda", place);
    case "disk":
      return [
        ...drive({
          if: "none",
          id: `disk-${id}`,
          format: "qcow2",
          cache: "unsafe",
          file: files.cardDisk(id),
        }),
        ...device("nvme", { ...place, drive: `disk-${id}`, serial: id }),
      ];
    case "nic":
      return [
        ...option("netdev", `user,id=net-${id},ipv6=off,net=10.0.3.0/24`),
        ...device(conventional ? "e1000" : "e1000e", {
          ...place,
          netdev: `net-${id}`,
          romfile: fn.optionRom ?? "",
        }),
      ];
  }
};

const option = (name: string, value: string): string[] => [`-${name}`, value];
const slot = (number: number): string => `0x${number.toString(16)}`;

/** A QEMU property list: QEMU separates properties with commas and reads a double comma as a character. */
const properties = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([key, value]) => `,${key}=${value.replaceAll(",", ",,")}`)
    .join("");
const device = (driver: string, values: Readonly<Record<string, string>>): string[] =>
  option("device", driver + properties(values));
const drive = (values: Readonly<Record<string, string>>): string[] =>
  option("drive", properties(values).slice(1));
