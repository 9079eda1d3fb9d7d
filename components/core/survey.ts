import { z } from "zod";
import { pciAddressSchema, pciIdSchema } from "./pci.ts";

const verdict = z.enum(["usable", "needs-patch", "unusable"]);

/** A video BIOS file that a domain names, as components/core/option-rom judges it. */
const romSchema = z.strictObject({
  path: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
  /** vendor:device of its images */
  ids: z.array(pciIdSchema),
  ovmf: verdict,
  seabios: verdict,
  /** what keeps it from working, a sentence each */
  problems: z.array(z.string()),
});
export type RomSurvey = z.infer<typeof romSchema>;

/** A guest of Proxmox VE; its configuration's `hostpciN` lines name slots or functions. */
const proxmoxGuestSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  running: z.boolean(),
  onboot: z.boolean(),
  /** `ovmf` or `seabios`; Proxmox's default is SeaBIOS */
  bios: z.string(),
  machine: z.string().nullable(),
  /** addresses without a function stand for the whole card */
  hostpci: z.array(z.string()),
});

/**
 * What explains a host beyond what a plan looks at; asked for by inspect, doctor, report and watch. As in the facts:
 * `null` is "the host has none", an absent field is "could not be read" (mostly because only root may).
 */
export const surveySchema = z.strictObject({
  uptimeSeconds: z.number().optional(),
  machine: z.strictObject({
    system: z.string().optional(),
    board: z.string().optional(),
    firmware: z.string().optional(),
    /** SMBIOS chassis types of portable machines: a laptop's GPU often shares its display and ROM with the board */
    laptop: z.boolean().optional(),
  }),
  /** null: not booted through UEFI */
  secureBoot: z.boolean().nullable().optional(),
  /** `none`, `integrity` or `confidentiality` */
  lockdown: z.string().optional(),
  apparmor: z.boolean(),
  selinux: z.enum(["enforcing", "permissive", "off"]),
  clocksource: z.strictObject({ current: z.string(), available: z.array(z.string()) }).optional(),
  memory: z.strictObject({
    availableKiB: z.number(),
    hugePages: z.array(
      z.strictObject({ pageKiB: z.number().int(), total: z.number().int(), free: z.number().int() }),
    ),
  }),
  /** drivers of /proc/fb, e.g. `simpledrmdrmfb` */
  framebuffers: z.array(z.string()),
  /** the memory of the firmware's screen that the kernel holds, and the card whose BAR it lies in */
  bootFramebuffer: z
    .strictObject({ name: z.string(), card: pciAddressSchema.nullable() })
    .nullable()
    .optional(),
  /** sizes in bytes that a BAR can be given (Resizable BAR, Linux 6.2) */
  resizableBars: z.array(
    z.strictObject({
      address: pciAddressSchema,
      index: z.number().int(),
      bytes: z.array(z.number()),
    }),
  ),
  /** loaded modules: how many use each, and which other modules do */
  moduleUse: z.record(z.string(), z.strictObject({ uses: z.number().int(), by: z.array(z.string()) })),
  /** lines of the kernel's log that matter here, oldest first */
  kernelLog: z
    .strictObject({
      boot: z.array(z.string()),
      trouble: z.array(z.string()),
      /** the log still starts with the boot: what it does not say was not said */
      complete: z.boolean(),
    })
    .optional(),
  /** by domain: what QEMU said since its last start */
  domainLogs: z.record(z.string(), z.array(z.string())).optional(),
  /** files that domains name, and whether they are there */
  paths: z.record(z.string(), z.boolean()).optional(),
  roms: z.array(romSchema).optional(),
  /** null: no Proxmox VE */
  proxmox: z.array(proxmoxGuestSchema).nullable().optional(),
  /** processes that have a card's device file open, beside libvirt's domains */
  holders: z
    .array(z.strictObject({ file: z.string(), pid: z.number().int(), command: z.string() }))
    .optional(),
  /** cards of the NVIDIA driver, with the N of /dev/nvidiaN */
  nvidia: z.array(
    z.strictObject({ address: pciAddressSchema, model: z.string(), minor: z.number().int().nullable() }),
  ),
});
export type Survey = z.infer<typeof surveySchema>;
