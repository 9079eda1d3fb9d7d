import { z } from "zod";
import { cardSchema, kernelSchema } from "../plan/kernel/kernel-spec.ts";
import { domainSchema } from "../plan/domain/spec/schema.ts";
import { libvirtSchema } from "../plan/libvirt/qemu-conf.ts";
import { storageSchema } from "../plan/libvirt/storage-spec.ts";
import { connectionSchema } from "../ssh/connection-schema.ts";

const cardName = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "names are lower-case letters, digits and dashes");

/** One host of a stack. */
export const hostSchema = z.strictObject({
  connection: connectionSchema,
  headless: z.boolean().default(false).describe("the host may lose its own display"),
  cards: z
    .record(cardName, cardSchema)
    .default({})
    .describe("what is handed to virtual machines, by names of your own"),
  kernel: kernelSchema.prefault({}),
  libvirt: libvirtSchema.prefault({}),
  storage: storageSchema.prefault({}),
  domains: z
    .record(cardName, domainSchema)
    .default({})
    .describe("virtual machines, by their names in libvirt"),
});
export type HostSpec = z.infer<typeof hostSchema>;
