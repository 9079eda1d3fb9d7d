import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatProblems } from "../../components/facts/problem.ts";
import type { HostSpec } from "../../components/host/host-spec.ts";
import { isSettings, type Settings } from "../../stacks/merge.ts";
import { readStack } from "../../stacks/read.ts";
import { CommandError } from "../ground/command-error.ts";
import { printable } from "../ground/terminal.ts";

/** The folder of Pulumi.yaml; its stackConfigDir is stacks/. */
export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

const FILE = /^Pulumi\.(.+)\.yaml$/;

/** Names of all stacks that have a file, sorted. */
export const stackNames = (folder = `${PROJECT}stacks`): string[] =>
  readdirSync(folder)
    .flatMap((name) => FILE.exec(name)?.[1] ?? [])
    .sort();

export interface StackFile {
  readonly hosts: Readonly<Record<string, HostSpec>>;
  readonly labels: Readonly<Record<string, string>>;
  /** The file holds encrypted secrets, which only Pulumi can open. */
  readonly hasSecrets: boolean;
  /** The file takes configuration from Pulumi ESC, which only Pulumi can read. */
  readonly hasEnvironment: boolean;
  /** The backend that the project names for all its stacks. */
  readonly backend: string | undefined;
  /** Everything that was read, byte for byte. */
  readonly text: string;
}

const DEFAULTS = "vfio-fleet:defaults";

const read = async (path: string, shown: string): Promise<{ text: string; document: Settings }> => {
  const { parse } = await import("yaml");
  try {
    const text = readFileSync(path, "utf8");
    const document: unknown = parse(text);
    return { text, document: isSettings(document) ? document : {} };
  } catch (error) {
    throw new CommandError(
      `${shown} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
};

const below = (settings: unknown, key: string): unknown => (isSettings(settings) ? settings[key] : undefined);

/** The project's own configuration: the defaults of every stack. */
const projectDefaults = (project: Settings): unknown => below(below(project["config"], DEFAULTS), "value");

/** Reads stacks/Pulumi.<name>.yaml and Pulumi.yaml as Pulumi would, but without Pulumi; secrets stay encrypted. */
export const readStackFile = async (name: string, folder = `${PROJECT}stacks`): Promise<StackFile> => {
  const shown = `stacks/Pulumi.${printable(name)}.yaml`;
  const [{ text, document }, project] = await Promise.all([
    read(`${folder}/Pulumi.${name}.yaml`, shown),
    read(`${PROJECT}Pulumi.yaml`, "Pulumi.yaml"),
  ]);
  const config = isSettings(document["config"]) ? document["config"] : {};
  const stack = readStack({
    hosts: config["vfio-fleet:hosts"],
    defaults: config[DEFAULTS] ?? projectDefaults(project.document),
    ...(config["vfio-fleet:labels"] !== undefined && { labels: config["vfio-fleet:labels"] }),
  });
  if (!stack.ok) throw new CommandError(formatProblems(shown, stack.problems));
  const backend = below(project.document["backend"], "url");
  return {
    hosts: stack.value.hosts,
    labels: stack.value.labels,
    hasSecrets: config["vfio-fleet:secrets"] !== undefined,
    hasEnvironment: document["environment"] !== undefined,
    backend: typeof backend === "string" ? backend : undefined,
    text: `${project.text}\0${text}`,
  };
};
