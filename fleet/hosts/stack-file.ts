import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatProblems } from "../../components/core/problem.ts";
import type { HostSpec } from "../../components/host-plan.ts";
import { readStack } from "../../stacks/read.ts";
import { CommandError } from "../command-error.ts";
import { printable } from "../terminal.ts";

/** Where Pulumi.yaml stands; its stackConfigDir is stacks/. */
export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

const FILE = /^Pulumi\.(.+)\.yaml$/;

/** Names of all stacks that have a file, sorted. */
export const stackNames = (folder = `${PROJECT}stacks`): string[] =>
  readdirSync(folder)
    .flatMap((name) => FILE.exec(name)?.[1] ?? [])
    .sort();

export interface StackFile {
  readonly hosts: Readonly<Record<string, HostSpec>>;
  /** it holds encrypted secrets, which only Pulumi can open */
  readonly hasSecrets: boolean;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads stacks/Pulumi.<name>.yaml as Pulumi would, without Pulumi; secrets stay closed. */
export const readStackFile = async (name: string, folder = `${PROJECT}stacks`): Promise<StackFile> => {
  const { parse } = await import("yaml");
  const path = `${folder}/Pulumi.${name}.yaml`;
  const shown = `stacks/Pulumi.${printable(name)}.yaml`;
  let document: unknown;
  try {
    document = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new CommandError(
      `${shown} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
  const config = isRecord(document) && isRecord(document["config"]) ? document["config"] : {};
  const stack = readStack({ hosts: config["vfio-fleet:hosts"] });
  if (!stack.ok) throw new CommandError(formatProblems(shown, stack.problems));
  return { hosts: stack.value.hosts, hasSecrets: config["vfio-fleet:secrets"] !== undefined };
};
