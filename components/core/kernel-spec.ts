import { z } from "zod";
import { pciAddressSchema, pciIdSchema } from "./pci.ts";

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
const moduleValueSchema = z.union([
  z.boolean(),
  z.int(),
  z
    .string()
    .regex(/^[A-Za-z0-9_.,:@%+/=-]+$/, "only letters, digits and _.,:@%+/=- can stand in a module option"),
]);

export const cardSchema = z.strictObject({
  address: pciAddressSchema.describe("address of the card's first function, as lspci -D prints it"),
  ids: z
    .array(pciIdSchema)
    .min(1)
    .describe("vendor:device of every function, first function first: the GPU, then its audio, USB, …"),
  subsystem: pciIdSchema
    .optional()
    .describe("subsystem of the first function, to tell one maker's card from another's"),
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
  reboot: z
    .enum(["auto", "never"])
    .default("auto")
    .describe(
      "auto: reboot when something that boots changed; never: prepare everything and leave the reboot to you",
    ),
});
export type KernelSpec = z.infer<typeof kernelSchema>;
