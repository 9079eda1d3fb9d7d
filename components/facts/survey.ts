import { z } from "zod";
import { pciAddressSchema, pciIdSchema } from "./pci.ts";

const verdict = z.enum(["usable", "needs-patch", "unusable"]);

/** A video BIOS file that a domain names, as components/option-rom judges it. */
const romSchema = z.strictObject({
  path: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
  ids: z.array(pciIdSchema).describe("vendor:device of its images"),
  ovmf: verdict,
  seabios: verdict,
  problems: z.array(z.string()).describe("what keeps it from working, a sentence each"),
});
export type RomSurvey = z.infer<typeof romSchema>;

/** A guest of Proxmox VE; its configuration's `hostpciN` lines name slots or functions. */
const proxmoxGuestSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  running: z.boolean(),
  onboot: z.boolean(),
  bios: z.string().describe("'ovmf' or 'seabios'; Proxmox's default is SeaBIOS"),
  machine: z.string().nullable(),
  hostpci: z.array(z.string()).describe("addresses without a function stand for the whole card"),
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
    laptop: z
      .boolean()
      .optional()
      .describe(
        "SMBIOS chassis types of portable machines: a laptop's GPU often shares its display and ROM with the board",
      ),
  }),
  secureBoot: z.boolean().nullable().optional().describe("null: not booted through UEFI"),
  lockdown: z.string().optional().describe("'none', 'integrity' or 'confidentiality'"),
  apparmor: z.boolean(),
  selinux: z.enum(["enforcing", "permissive", "off"]),
  clocksource: z.strictObject({ current: z.string(), available: z.array(z.string()) }).optional(),
  memory: z.strictObject({
    availableKiB: z.number(),
    hugePages: z.array(
      z.strictObject({ pageKiB: z.number().int(), total: z.number().int(), free: z.number().int() }),
    ),
  }),
  framebuffers: z.array(z.string()).describe("drivers of /proc/fb, e.g. 'simpledrmdrmfb'"),
  bootFramebuffer: z
    .strictObject({ name: z.string(), card: pciAddressSchema.nullable() })
    .nullable()
    .optional()
    .describe("the memory of the firmware's screen that the kernel holds, and the card whose BAR it lies in"),
  resizableBars: z
    .array(
      z.strictObject({
        address: pciAddressSchema,
        index: z.number().int(),
        bytes: z.array(z.number()),
      }),
    )
    .describe("sizes in bytes that a BAR can be given (Resizable BAR, Linux 6.2)"),
  moduleUse: z
    .record(z.string(), z.strictObject({ uses: z.number().int(), by: z.array(z.string()) }))
    .describe("loaded modules: how many use each, and which other modules do"),
  kernelLog: z
    .strictObject({
      boot: z.array(z.string()),
      trouble: z.array(z.string()),
      complete: z.boolean().describe("the log still starts with the boot: what it does not say was not said"),
    })
    .optional()
    .describe("lines of the kernel's log that matter here, oldest first"),
  domainLogs: z
    .record(z.string(), z.array(z.string()))
    .optional()
    .describe("by domain: what QEMU said since its last start"),
  paths: z
    .record(z.string(), z.boolean())
    .optional()
    .describe("files that domains name, and whether they are there"),
  roms: z.array(romSchema).optional(),
  proxmox: z.array(proxmoxGuestSchema).nullable().optional().describe("null: no Proxmox VE"),
  holders: z
    .array(z.strictObject({ file: z.string(), pid: z.number().int(), command: z.string() }))
    .optional()
    .describe("processes that have a card's device file open, beside libvirt's domains"),
  nvidia: z
    .array(
      z.strictObject({ address: pciAddressSchema, model: z.string(), minor: z.number().int().nullable() }),
    )
    .describe("cards of the NVIDIA driver, with the N of /dev/nvidiaN"),
  temperatures: z
    .array(z.strictObject({ address: pciAddressSchema, celsius: z.number() }))
    .optional()
    .describe("first sensor of the devices whose driver has one"),
});
export type Survey = z.infer<typeof surveySchema>;
