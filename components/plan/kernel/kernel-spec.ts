import { z } from "zod";
import { oneOfKeys, oneOfKinds } from "../forms.ts";
import { lineSchema } from "../../facts/text.ts";
import { pciAddressSchema, pciIdSchema } from "../../facts/pci.ts";

/**
 * One kernel argument as it stands on the command line. Boot loaders read their configuration with shells of their
 * own, so only characters that none of them interprets are let in.
 */
const kernelArgumentSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.,:@%+/=-]+$/, "only letters, digits and _.,:@%+/=- can stand in a kernel argument")
  .refine((argument) => !argument.startsWith("vfio_fleet."), "arguments of vfio_fleet itself cannot be set");

const moduleNameSchema = z
  .string()
  .regex(/^[a-z0-9_]+$/, "expected a module's name with underscores, such as kvm or vfio_pci");
const moduleValueSchema = oneOfKinds(
  {
    boolean: z.boolean(),
    number: z.int(),
    text: z
      .string()
      .regex(/^[A-Za-z0-9_.,:@%+/=-]+$/, "only letters, digits and _.,:@%+/=- can stand in a module option"),
  },
  "expected a text, a whole number, true or false",
);

/** What guests get of a card's video BIOS; without it, what the card itself shows. */
const romSchema = oneOfKeys(
  {
    file: z.strictObject({
      file: lineSchema.describe("a file beside you: judged in the preview, copied to the host"),
    }),
    dump: z.strictObject({
      dump: z
        .literal(true)
        .describe("read from the card once, when vfio-pci has it; judged before it is used"),
    }),
    // YAML 1.1 reads a bare off as false
    bar: z.strictObject({ bar: z.literal(["off", false]).describe("guests see no ROM at all") }),
  },
  "expected {file: PATH}, {dump: true} or {bar: off}",
);

export const cardSchema = z.strictObject({
  address: pciAddressSchema.describe("address of the card's first function, as lspci -D prints it"),
  ids: z
    .array(pciIdSchema)
    .min(1)
    .describe(
      "vendor:device of every function: the GPU, its audio, USB, …; of a processor's GPU those that the host can do without",
    ),
  subsystem: pciIdSchema
    .optional()
    .describe("subsystem of the first function, to tell one maker's card from another's"),
  rom: romSchema.optional(),
  idle: z
    .enum(["vfio-pci", "host"])
    .optional()
    .describe(
      "who has the card while no domain runs with it. vfio-pci: nobody, from boot on; host: its own driver, which libvirt takes it from at a domain's start and gives it back to at its end. vfio-pci unless set",
    ),
});
export type CardSpec = z.infer<typeof cardSchema>;

export const kernelSchema = z.strictObject({
  binding: z
    .enum(["address", "id"])
    .default("address")
    .describe(
      "address: exactly the functions of the cards, identity checked at boot; id: vfio-pci ids=, takes every twin",
    ),
  iommuPassthrough: z
    .boolean()
    .default(true)
    .describe("iommu=pt: devices of the host keep identity mappings"),
  amdIommuOn: z
    .boolean()
    .default(false)
    .describe(
      "write amd_iommu=on; mainline has no such value (the IOMMU is on anyway), some old guides ask for it",
    ),
  arguments: z.array(kernelArgumentSchema).default([]).describe("further kernel arguments"),
  disableVga: z
    .boolean()
    .default(true)
    .describe("vfio-pci disable_vga=1: no legacy VGA for guests; right for OVMF"),
  moduleOptions: z
    .record(moduleNameSchema, z.record(moduleNameSchema, moduleValueSchema))
    .default({ kvm: { ignore_msrs: 1 } })
    .describe("options of further modules, written to /etc/modprobe.d/MODULE.conf"),
  hugepages: z
    .strictObject({ size: z.enum(["2M", "1G"]).default("2M"), count: z.int().min(1) })
    .optional()
    .describe("huge pages set aside at boot, when memory is not yet in pieces"),
  isolcpus: z
    .string()
    .regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/, "expected processors such as 2-5,8-11")
    .optional()
    .describe("processors that the host's scheduler leaves alone"),
  video: z
    .array(z.string().regex(/^[A-Za-z0-9_.,:@%+/=-]+$/, "expected a value of video=, such as efifb:off"))
    .default([])
    .describe("values of video=, each an argument of its own"),
  pcieAcsOverride: z
    .array(
      z
        .string()
        .regex(
          /^(downstream|multifunction|id:[0-9a-f]{4}:[0-9a-f]{4})$/,
          "expected downstream, multifunction or id:VENDOR:DEVICE",
        ),
    )
    .default([])
    .describe("splits IOMMU groups on kernels with the ACS override patch; gives up their protection"),
  virtualFunctions: z
    .array(z.strictObject({ of: pciAddressSchema, count: z.int().min(1) }))
    .default([])
    .describe("SR-IOV: how many virtual functions a function makes at boot; cards name them by address"),
  reboot: z
    .enum(["auto", "ask", "never"])
    .default("auto")
    .describe(
      "auto: reboot when something that boots changed; ask: only when VFIO_FLEET_REBOOT=yes is set; never: prepare everything and leave the reboot to you",
    ),
  drain: z
    .boolean()
    .default(false)
    .describe("shut running domains down before a reboot and start them again after it"),
  drainTimeoutSeconds: z
    .int()
    .min(1)
    .default(300)
    .describe("how long they may take; one that still runs then stops the reboot"),
});
export type KernelSpec = z.infer<typeof kernelSchema>;
