import { z } from "zod";

/** The lock that a run of `up` or `destroy` has on a host (components/agent/lock.sh), while it lasts. */
export const lockSchema = z.strictObject({
  owner: z.string().describe("user@machine; empty for a destroy, which does not say who runs it"),
  stack: z.string(),
  process: z.string().describe("process id on the owner's machine"),
  peer: z.string().describe("address that the owner's steps come from; empty for the host itself"),
  samePeer: z.boolean().describe("the probe came from that address as well"),
  since: z.string().describe("UTC, by the host's clock; also the lock's name"),
  step: z.string().describe("the last step"),
  atWork: z.boolean().describe("that step has not ended"),
  endsIn: z.number().int().describe("seconds until it ends by itself, unless another step comes"),
});
export type Lock = z.infer<typeof lockSchema>;
