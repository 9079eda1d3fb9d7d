import { z } from "zod";
import { lockSchema } from "./lock.ts";
import { pciAddressSchema, pciIdSchema } from "./pci.ts";
import { surveySchema } from "./survey.ts";

/**
 * What a host answered to the probe. Every field says what the host has now; `null` means "the host has none",
 * `undefined` means "could not be read" (a plain user asks for something only root may see): never a guess.
 */
const pciDeviceSchema = z.strictObject({
  address: pciAddressSchema,
  id: pciIdSchema.describe("vendor:device"),
  subsystem: pciIdSchema.describe("subsystem vendor:device, '0000:0000' where the card has none"),
  class: z
    .string()
    .regex(/^[0-9a-f]{6}$/)
    .describe("six hex digits: base class, sub class, programming interface"),
  revision: z.string().optional(),
  driver: z.string().nullable(),
  iommuGroup: z.number().int().nullable(),
  bootVga: z
    .boolean()
    .nullable()
    .describe("the firmware's primary display; null for devices that are no VGA device"),
  numaNode: z.number().int().describe("-1 where the machine has one node or the firmware does not say"),
  resetMethods: z
    .array(z.string())
    .optional()
    .describe("'reset_method' of sysfs (Linux 5.15); undefined on older kernels"),
  hasRom: z.boolean(),
  powerState: z.string().optional().describe("D-state as the kernel says it, e.g. 'D0', 'D3cold'"),
  sriov: z
    .strictObject({
      total: z.number().int(),
      active: z.number().int(),
      offset: z.number().int().optional(),
      stride: z.number().int().optional(),
      device: z.string().optional(),
    })
    .optional()
    .describe(
      "how many virtual functions there can be and are; routing ids from this function to the first and between them, and their device id",
    ),
  bars: z
    .array(z.strictObject({ index: z.number().int(), bytes: z.number(), prefetchable: z.boolean() }))
    .optional()
    .describe("BARs of display devices: index, bytes, 64-bit prefetchable or not"),
  parents: z
    .array(pciAddressSchema)
    .describe("PCI addresses on the way from the root to this device, nearest last"),
});
export type PciDevice = z.infer<typeof pciDeviceSchema>;

const hostFileSchema = z.strictObject({
  mode: z.string().describe("octal digits, e.g. '644'"),
  owner: z.string(),
  group: z.string(),
  content: z.string(),
  sha256: z.string(),
});
export type HostFile = z.infer<typeof hostFileSchema>;

const receiptSchema = z.strictObject({
  token: z
    .string()
    .describe("what the step that wrote the receipt was called with; see components/plan/step.ts"),
  notes: z.record(z.string(), z.string()).describe("whatever else that step recorded, by name"),
});

export const factsSchema = z.strictObject({
  hostname: z.string(),
  bootId: z.string(),
  kernel: z.string(),
  architecture: z.string(),
  user: z.string(),
  privilege: z
    .enum(["root", "sudo", "sudo-password", "sudo-agent", "sudo-agent-old", "none"])
    .describe(
      "sudo-agent: sudo for the project's own programs alone; sudo-agent-old: these are of another version, so it was asked as a plain user",
    ),
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
    virtualization: z.boolean().describe("vmx or svm among the flags"),
    hugePages: z
      .array(z.enum(["2M", "1G"]))
      .optional()
      .describe("sizes of huge pages that the processor has"),
    sockets: z.number().int(),
    cores: z.number().int(),
    threads: z.number().int(),
  }),
  memoryKiB: z.number(),
  numaNodes: z.array(z.strictObject({ node: z.number().int(), cpus: z.string(), memoryKiB: z.number() })),
  pci: z.array(pciDeviceSchema),
  iommu: z.strictObject({
    units: z.array(z.string()).describe("names under /sys/class/iommu: dmar0, ivhd0"),
    groups: z.number().int(),
  }),
  modules: z.array(z.string()),
  moduleParameters: z
    .record(z.string(), z.record(z.string(), z.string()))
    .describe("parameters of the modules that were asked about: module -> parameter -> value"),
  vfioModules: z
    .record(z.string(), z.array(z.string()))
    .describe(
      "vfio modules that each installed kernel has, by kernel release; 'builtin' for those compiled in",
    ),
  vfioBuiltin: z.array(z.string()),
  moduleInfo: z
    .record(
      z.string(),
      z.strictObject({ builtin: z.boolean(), parameters: z.record(z.string(), z.string()) }),
    )
    .optional()
    .describe("modules whose description was asked for and that the kernel has: parameter -> its type"),
  symbols: z.array(z.string()).optional().describe("kernel functions that were asked about and are there"),
  boot: z.strictObject({
    efi: z.boolean(),
    loaderInfo: z
      .string()
      .nullable()
      .describe("the efivar LoaderInfo, e.g. 'systemd-boot 257.8'; null where no loader set it"),
    bootFilesystem: z.string(),
    bootDevice: z.string().optional().describe("what that file system lies on, e.g. '/dev/mapper/pve-root'"),
    freeBytes: z
      .number()
      .int()
      .optional()
      .describe("room on /boot for root, with what a trial's image has that an earlier run left there"),
  }),
  initramfs: z.strictObject({
    tools: z.array(z.string()),
    images: z
      .array(z.string())
      .describe("'path:bytes:mtime' of every built image, sorted; undefined when none is readable"),
  }),
  files: z
    .record(z.string(), hostFileSchema)
    .describe("files that were asked about; absent ones are missing from the record"),
  excerpts: z
    .record(z.string(), z.array(z.string()))
    .optional()
    .describe("of files that are not asked for as a whole the lines that were; absent ones are missing"),
  exists: z.array(z.string()).describe("paths that were asked about and are there"),
  looked: z
    .record(
      z.string(),
      z.strictObject({
        kind: z.enum(["iso", "file", "block", "character", "directory"]),
        bytes: z.number().optional().describe("size that a guest sees of an image or a device"),
        stamp: z
          .string()
          .optional()
          .describe("size, time and inode of a file: another one when it was changed"),
      }),
    )
    .optional()
    .describe(
      "what stands at the paths of disks, media and folders that were asked about; absent ones are missing",
    ),
  receipts: z.record(z.string(), receiptSchema),
  lock: lockSchema.optional().describe("who works on this host now; not there when nobody does"),
  packages: z
    .record(z.string(), z.string().nullable())
    .describe("packages that were asked about: version, or null when not installed"),
  libvirt: z.strictObject({
    socket: z.boolean(),
    domains: z.array(
      z.strictObject({
        name: z.string(),
        running: z.boolean(),
        autostart: z.boolean(),
        xml: z.string().optional().describe("libvirt's stored definition; undefined for a transient domain"),
        liveXml: z
          .string()
          .optional()
          .describe("the running instance's definition inside libvirt's status file"),
      }),
    ),
  }),
  carriers: z
    .array(z.strictObject({ address: pciAddressSchema, what: z.string() }))
    .describe("PCI functions that this host cannot live without: address and what sits on it"),
  survey: surveySchema
    .optional()
    .describe("what explains the host beyond what a plan needs; there when the question asked for it"),
});

export type Facts = z.infer<typeof factsSchema>;
