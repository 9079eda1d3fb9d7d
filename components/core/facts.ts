import { z } from "zod";
import { pciAddressSchema, pciIdSchema } from "./pci.ts";
import { surveySchema } from "./survey.ts";

/**
 * What a host answered to the probe. Every field says what the host has now; `null` means "the host has none",
 * `undefined` means "could not be read" (a plain user asks for something only root may see): never a guess.
 */
const pciDeviceSchema = z.strictObject({
  address: pciAddressSchema,
  /** vendor:device */
  id: pciIdSchema,
  /** subsystem vendor:device, `0000:0000` where the card has none */
  subsystem: pciIdSchema,
  /** six hex digits: base class, sub class, programming interface */
  class: z.string().regex(/^[0-9a-f]{6}$/),
  revision: z.string().optional(),
  driver: z.string().nullable(),
  iommuGroup: z.number().int().nullable(),
  /** the firmware's primary display; null for devices that are no VGA device */
  bootVga: z.boolean().nullable(),
  /** -1 where the machine has one node or the firmware does not say */
  numaNode: z.number().int(),
  /** `reset_method` of sysfs (Linux 5.15); undefined on older kernels */
  resetMethods: z.array(z.string()).optional(),
  hasRom: z.boolean(),
  /** D-state as the kernel says it, e.g. `D0`, `D3cold` */
  powerState: z.string().optional(),
  sriov: z.strictObject({ total: z.number().int(), active: z.number().int() }).optional(),
  /** BARs of display devices: index, bytes, 64-bit prefetchable or not */
  bars: z
    .array(z.strictObject({ index: z.number().int(), bytes: z.number(), prefetchable: z.boolean() }))
    .optional(),
  /** PCI addresses on the way from the root to this device, nearest last */
  parents: z.array(pciAddressSchema),
});
export type PciDevice = z.infer<typeof pciDeviceSchema>;

const hostFileSchema = z.strictObject({
  /** octal digits, e.g. `644` */
  mode: z.string(),
  owner: z.string(),
  group: z.string(),
  content: z.string(),
  sha256: z.string(),
});
export type HostFile = z.infer<typeof hostFileSchema>;

const receiptSchema = z.strictObject({
  /** what the step that wrote the receipt was called with; see core/step.ts */
  token: z.string(),
  /** whatever else that step recorded, by name */
  notes: z.record(z.string(), z.string()),
});

export const factsSchema = z.strictObject({
  hostname: z.string(),
  bootId: z.string(),
  kernel: z.string(),
  architecture: z.string(),
  user: z.string(),
  privilege: z.enum(["root", "sudo", "sudo-password", "none"]),
  distro: z.strictObject({
    id: z.string(),
    version: z.string(),
    like: z.array(z.string()),
    name: z.string(),
  }),
  cmdline: z.string(),
  cpu: z.strictObject({
    vendor: z.enum(["intel", "amd", "other"]),
    model: z.string(),
    /** vmx or svm among the flags */
    virtualization: z.boolean(),
    sockets: z.number().int(),
    cores: z.number().int(),
    threads: z.number().int(),
  }),
  memoryKiB: z.number(),
  numaNodes: z.array(z.strictObject({ node: z.number().int(), cpus: z.string(), memoryKiB: z.number() })),
  pci: z.array(pciDeviceSchema),
  iommu: z.strictObject({
    /** names under /sys/class/iommu: dmar0, ivhd0 */
    units: z.array(z.string()),
    groups: z.number().int(),
  }),
  modules: z.array(z.string()),
  /** parameters of the modules that were asked about: module -> parameter -> value */
  moduleParameters: z.record(z.string(), z.record(z.string(), z.string())),
  /** vfio modules that each installed kernel has, by kernel release; `builtin` for those compiled in */
  vfioModules: z.record(z.string(), z.array(z.string())),
  vfioBuiltin: z.array(z.string()),
  boot: z.strictObject({
    efi: z.boolean(),
    /** the efivar LoaderInfo, e.g. `systemd-boot 257.8`; null where no loader set it */
    loaderInfo: z.string().nullable(),
    /** commands and files that tell which loader is at home: names of the paths found */
    present: z.array(z.string()),
    /** `linux` lines of grub.cfg, undefined when it is not readable */
    grubLinux: z.array(z.string()).optional(),
    bootFilesystem: z.string(),
  }),
  initramfs: z.strictObject({
    tools: z.array(z.string()),
    /** `path:bytes:mtime` of every built image, sorted; undefined when none is readable */
    images: z.array(z.string()),
  }),
  /** files that were asked about; absent ones are missing from the record */
  files: z.record(z.string(), hostFileSchema),
  /** paths that were asked about and are there */
  exists: z.array(z.string()),
  receipts: z.record(z.string(), receiptSchema),
  /** packages that were asked about: version, or null when not installed */
  packages: z.record(z.string(), z.string().nullable()),
  libvirt: z.strictObject({
    socket: z.boolean(),
    domains: z.array(
      z.strictObject({
        name: z.string(),
        running: z.boolean(),
        autostart: z.boolean(),
        /** libvirt's stored definition; undefined for a transient domain */
        xml: z.string().optional(),
        /** the running instance's definition inside libvirt's status file */
        liveXml: z.string().optional(),
      }),
    ),
  }),
  /** PCI functions that this host cannot live without: address and what sits on it */
  carriers: z.array(z.strictObject({ address: pciAddressSchema, what: z.string() })),
  /** what explains the host beyond what a plan needs; there when the question asked for it */
  survey: surveySchema.optional(),
});

export type Facts = z.infer<typeof factsSchema>;
