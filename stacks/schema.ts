import { z } from "zod";
import { hostSchema } from "../components/host-plan.ts";
import { connectionSecretsSchema } from "../components/remote/connection-schema.ts";

const hostName = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "names are lower-case letters, digits and dashes");

/** A stack's configuration: `vfio-fleet:hosts` and, encrypted, `vfio-fleet:secrets`. */
export const stackSchema = z.strictObject({
  hosts: z
    .record(hostName, hostSchema)
    .refine((hosts) => Object.keys(hosts).length > 0, "name at least one host"),
  secrets: z.record(hostName, connectionSecretsSchema).default({}),
});
export type StackConfig = z.infer<typeof stackSchema>;
