import { z } from "zod";
import { factsSchema } from "../../../components/facts/facts.ts";
import { pciAddressSchema } from "../../../components/facts/pci.ts";

const reasonSchema = z
  .strictObject({ kind: z.string(), problem: z.string(), remedy: z.string() })
  .describe("what prevents passthrough or will be noticed, and the remedy");

const cardSchema = z
  .strictObject({
    address: pciAddressSchema.describe("address of the display function"),
    name: z.string().describe("maker and model if the PCI id list knows them, else the id"),
    functions: z.array(pciAddressSchema),
    verdict: z
      .enum(["ready", "possible", "headless", "unknown", "no"])
      .describe(
        "ready: bound to vfio-pci; possible: only needs to be bound; headless: possible if the host may lose its screen; unknown: the IOMMU is off; no",
      ),
    reasons: z.array(reasonSchema),
    notes: z.array(reasonSchema),
    users: z.array(
      z.strictObject({
        kind: z.enum(["domain", "proxmox", "process"]),
        name: z.string(),
        running: z.boolean().describe("whether it holds the card now"),
      }),
    ),
  })
  .describe("what the facts mean for one card; computed again whenever the file is read");

/**
 * What `vfio-fleet inspect --json` prints, `--save` writes and `--from` reads: the facts of one or more hosts, and
 * their meaning for each card.
 */
export const documentSchema = z
  .strictObject({
    format: z.literal("vfio-fleet-facts/2"),
    takenAt: z.iso.datetime().describe("when the hosts were asked, UTC"),
    masked: z
      .boolean()
      .describe("host names, network and disk identities are replaced; equal values get equal replacements"),
    hosts: z.array(
      z.strictObject({
        name: z.string().describe("the host's name in its stack, or its SSH target"),
        facts: factsSchema,
        cards: z.array(cardSchema).optional(),
      }),
    ),
  })
  .describe("Facts of Linux hosts with GPUs, as vfio-fleet reads them");
export type FactsDocument = z.infer<typeof documentSchema>;
export type CardDocument = z.infer<typeof cardSchema>;

/** The JSON Schema of the document, as docs/facts.schema.json holds it. */
export const documentJsonSchema = (): unknown => ({
  $id: "https://vfio-fleet.invalid/facts.schema.json",
  title: "vfio-fleet facts",
  ...z.toJSONSchema(documentSchema, { io: "input" }),
});
