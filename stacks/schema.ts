import { z } from "zod";
import { hostSchema } from "../components/host/host-spec.ts";
import { connectionSecretsSchema } from "../components/ssh/connection-schema.ts";

const hostName = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "names are lower-case letters, digits and dashes");

const label = z
  .union([z.string().min(1), z.number(), z.boolean()])
  .transform(String)
  .describe("what the hosts have in common: a rack, a room, an owner");

/**
 * A stack's configuration: `vfio-fleet:hosts`, with what `vfio-fleet:defaults` says below each of them, labels to choose
 * stacks by, and, encrypted, `vfio-fleet:secrets`.
 */
export const stackSchema = z.strictObject({
  labels: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9_.-]*$/i, "labels are letters, digits and . _ -"), label)
    .default({}),
  hosts: z
    .record(hostName, hostSchema)
    .refine((hosts) => Object.keys(hosts).length > 0, "name at least one host"),
  secrets: z.record(hostName, connectionSecretsSchema).default({}),
});
export type StackConfig = z.infer<typeof stackSchema>;
