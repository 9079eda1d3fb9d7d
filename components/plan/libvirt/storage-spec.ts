import { z } from "zod";
import { objectNameSchema, pathSchema } from "../../facts/text.ts";

/** Pools that the stack makes. Pools that the host has already are used by their names and need no entry here. */
export const storageSchema = z.strictObject({
  pools: z
    .record(
      objectNameSchema,
      z.strictObject({
        path: pathSchema.describe("the folder that holds the pool's volumes; made if it is not there"),
      }),
    )
    .default({})
    .describe("pools of image files that the stack makes; kept when the stack goes"),
});
export type StorageSpec = z.infer<typeof storageSchema>;
