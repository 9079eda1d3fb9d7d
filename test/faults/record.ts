import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import type { Outcome } from "./campaign.ts";
import { faultNames } from "./faults.ts";

const outcome = z.object({
  host: z.string(),
  direction: z.enum(["up", "destroy"]),
  step: z.string(),
  fault: z.enum(faultNames),
  wrong: z.array(z.string()),
});

/** The recorded outcomes of an earlier campaign, one a line; empty without a file. */
export const readRecord = (file: string | undefined): readonly Outcome[] =>
  file === undefined || !existsSync(file)
    ? []
    : readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => outcome.parse(JSON.parse(line)));

/** Appends the outcomes of one round. */
export const noteOutcomes = (file: string | undefined, outcomes: readonly Outcome[]): void => {
  if (file === undefined) return;
  appendFileSync(file, outcomes.map((one) => `${JSON.stringify(outcome.parse(one))}\n`).join(""));
};
