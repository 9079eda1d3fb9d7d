import { z } from "zod";
import { oneOfKinds } from "../../forms.ts";
import { memorySizeSchema } from "./size.ts";
import { clockSchema, cpuSchema, hypervSchema, pinningSchema, topologySchema } from "./schema-cpu.ts";
import {
  balloonSchema,
  evdevSchema,
  gpusSchema,
  graphicsSchema,
  lookingGlassSchema,
  networkSchema,
  sharedFolderSchema,
  usbSchema,
} from "./schema-devices.ts";
import { diskSchema, driveSchema, installSchema } from "./schema-disks.ts";
import { patchSchema } from "../document/patch.ts";
import { pathSchema } from "../../../facts/text.ts";

const profiles = ["reference", "windows-11"] as const;
export type ProfileName = (typeof profiles)[number];

export const hugepageSizes = ["2 MiB", "1 GiB"] as const;
export type HugepageSize = (typeof hugepageSizes)[number];

const firmwareSchema = z
  .strictObject({
    secureBoot: z
      .boolean()
      .optional()
      .describe("firmware with Secure Boot and Microsoft's keys enrolled; needs q35"),
    code: pathSchema
      .optional()
      .describe("the OVMF code image; chosen by feature among those on the host unless set"),
    vars: pathSchema.optional().describe("the variable store that a new NVRAM starts from; goes with code"),
    nvram: pathSchema
      .optional()
      .describe("the domain's own NVRAM; /var/lib/libvirt/qemu/nvram/NAME_VARS.fd unless set"),
  })
  .refine((given) => (given.code === undefined) === (given.vars === undefined), "code and vars go together")
  .describe("UEFI firmware; domains boot by OVMF from the first boot");

/**
 * A domain: a virtual machine that may hold cards. Its name is the key it stands under. What has no default here
 * comes from the profile, which fills every field; see profiles.ts.
 */
export const domainSchema = z.strictObject({
  profile: z
    .enum(profiles)
    .describe(
      "where every field that is not set comes from. reference: i440fx, OVMF, hidden hypervisor, for older NVIDIA drivers; windows-11: q35, Secure Boot, TPM 2.0, hyperv enlightenments",
    ),
  virtualization: z
    .enum(["kvm", "qemu"])
    .default("kvm")
    .describe("kvm: the CPU's virtualization; qemu: emulation, for hosts without it, slow"),
  machine: z
    .string()
    .regex(
      /^(i440fx|q35|pc-(i440fx|q35)-[A-Za-z0-9_.-]+)$/,
      'expected i440fx, q35 or a versioned one such as "pc-q35-7.2"',
    )
    .optional()
    .describe(
      "the emulated board. A family starts as the host's newest version and then keeps it, so that the guest's hardware does not change under it",
    ),
  firmware: firmwareSchema.optional(),
  tpm: z
    .enum(["none", "tpm-crb", "tpm-tis"])
    .optional()
    .describe("a TPM 2.0 emulated by swtpm: tpm-crb for Windows 11, tpm-tis for older guests"),
  memory: memorySizeSchema.optional().describe('memory of the guest, such as "8 GiB"'),
  hugepages: z
    .enum(["off", ...hugepageSizes])
    .optional()
    .describe("take the memory from huge pages of this size, reserved at the host's boot"),
  vcpus: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe("number of guest CPUs; follows from the topology unless set, and has to equal it"),
  topology: topologySchema.optional(),
  cpu: cpuSchema.optional(),
  pinning: pinningSchema.optional(),
  iothreads: z
    .int()
    .min(0)
    .max(16)
    .optional()
    .describe("threads for disk I/O; virtio disks take them in turn, as does the SCSI controller"),
  hyperv: hypervSchema.optional(),
  hideHypervisor: z
    .boolean()
    .optional()
    .describe("hide KVM from the guest; for NVIDIA drivers older than 465, costs speed under Windows"),
  vmport: z.boolean().optional().describe("VMware's I/O port"),
  clock: clockSchema.optional(),
  suspend: z
    .boolean()
    .optional()
    .describe("offer suspend to RAM and to disk to the guest; cards rarely come back from it"),
  disks: z
    .array(diskSchema)
    .max(16)
    .optional()
    .describe(
      "disks in their order; the first is booted from. May be left out only when a domain is adopted",
    ),
  cdroms: z
    .array(driveSchema)
    .max(3)
    .default([])
    .describe("CD drives with an image each, or empty ones; media change while the domain runs"),
  networks: z.array(networkSchema).max(8).optional().describe("network interfaces in their order"),
  graphics: graphicsSchema.optional(),
  video: z
    .enum(["vga", "virtio", "none"])
    .optional()
    .describe("the emulated display beside the card; none once the card's driver is in"),
  usb: usbSchema.optional(),
  evdev: z.array(evdevSchema).max(8).default([]).describe("keyboards and mice of the host"),
  lookingGlass: oneOfKinds(
    { text: z.literal("off"), mapping: lookingGlassSchema },
    "expected off or a mapping such as {sizeMiB: 32}",
  )
    .optional()
    .describe("off, or the shared memory of Looking Glass"),
  sharedFolders: z
    .array(sharedFolderSchema)
    .max(8)
    .default([])
    .describe("folders of the host that the guest mounts"),
  balloon: balloonSchema.optional(),
  gpus: gpusSchema.default([]),
  managed: z
    .boolean()
    .optional()
    .describe(
      "true: libvirt takes each card from its host driver at the start and gives it back at the stop; false: vfio-pci holds it from boot. Follows from how the card is bound unless set",
    ),
  install: installSchema.optional(),
  state: z
    .enum(["running", "stopped", "unmanaged"])
    .default("unmanaged")
    .describe(
      "running: started when it does not run; stopped: shut down gracefully; unmanaged: defined, and otherwise left to you",
    ),
  restart: z
    .enum(["never", "when-needed"])
    .default("never")
    .describe(
      "what happens to a running domain when a change waits for its next start. never: it runs on, and the preview says what waits; when-needed: it is shut down gracefully and started again (state: running only)",
    ),
  autostart: z.boolean().default(false).describe("start the domain with the host"),
  adopt: z
    .boolean()
    .default(false)
    .describe(
      "take over a domain of this name that was made by hand: its UUID, NVRAM, and the TPM, machine, disks and networks that are not set here",
    ),
  deleteData: z
    .boolean()
    .default(false)
    .describe(
      "when the domain is removed, also delete its NVRAM, TPM state and the volumes the stack made; has to be set by an up before the one that removes it",
    ),
  shutdownTimeoutSeconds: z
    .int()
    .min(1)
    .max(3600)
    .default(180)
    .describe("how long the guest may take to shut down"),
  afterTimeout: z
    .enum(["keep", "power-off"])
    .default("keep")
    .describe("what happens to a guest that has not shut down by then; power-off may lose its data"),
  patch: z
    .array(patchSchema)
    .default([])
    .describe("changes to the finished XML, the last resort for what has no field here"),
});
/** A domain as the stack file says it, read. */
export type DomainSpec = z.infer<typeof domainSchema>;
/** A domain as it stands in a stack file. */
export type DomainInput = z.input<typeof domainSchema>;
