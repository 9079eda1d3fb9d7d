import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CommandError } from "../ground/command-error.ts";
import { counted } from "../ground/format.ts";
import { readFactsEverywhere, readFacts, type FactsSource, type TargetFacts } from "../targets/read-facts.ts";
import { pciNames } from "../ground/pci-names.ts";
import { printable } from "../ground/terminal.ts";
import { describeFsError } from "../ground/fs-error.ts";
import { makeReport } from "./model.ts";
import { reportPage } from "./page.ts";

/** The options as the command line gives them. */
export interface ReportOptions extends Omit<FactsSource, "from"> {
  readonly from?: readonly string[];
  readonly all?: true;
  readonly output: string;
}

/** Atomic write; an older report of that name is replaced. */
const writeWhole = async (path: string, text: string): Promise<void> => {
  const aside = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    await writeFile(aside, text, { flag: "wx" });
    await rename(aside, path);
  } catch (error) {
    throw describeFsError(error, path, "write");
  } finally {
    await rm(aside, { force: true });
  }
};

/**
 * Facts of a saved file. The only host of every masked file is called host-1, so the file's name tells them apart.
 */
const saved = async (path: string): Promise<TargetFacts> => {
  const facts = await readFacts(undefined, { from: path });
  const [host, ...others] = facts.hosts;
  return facts.masked && host && others.length === 0
    ? { ...facts, hosts: [{ ...host, name: basename(path, ".json") }] }
    : facts;
};

const sources = (target: string | undefined, options: ReportOptions): Promise<TargetFacts>[] => {
  const { from = [], all } = options;
  if ([target !== undefined, from.length > 0, all === true].filter(Boolean).length > 1)
    throw new CommandError("give exactly one of these: a stack or SSH target, --from FILE, --all");
  if (from.length > 0) return from.map(saved);
  if (all) return [readFactsEverywhere()];
  return [
    readFacts(target, {
      ...(options.identity !== undefined && { identity: options.identity }),
      ...(options.hostKey !== undefined && { hostKey: options.hostKey }),
      ...(options.sshConfig !== undefined && { sshConfig: options.sshConfig }),
    }),
  ];
};

/** `vfio-fleet report`. Returns the exit status, 2 when a host could not be probed. Throws a CommandError. */
export const report = async (target: string | undefined, options: ReportOptions): Promise<number> => {
  const facts = await Promise.all(sources(target, options));
  const made = makeReport({
    takenAt:
      facts
        .map(({ takenAt }) => takenAt)
        .sort()
        .at(-1) ?? new Date().toISOString(),
    hosts: facts.flatMap(({ hosts }) => hosts),
    failures: facts.flatMap(({ failures }) => failures),
  });
  await writeWhole(options.output, reportPage(made, pciNames()));
  console.log(`${printable(options.output)}: ${counted(made.hosts.length, "host")}`);
  for (const message of made.failures) console.error(message);
  return made.failures.length > 0 ? 2 : 0;
};
