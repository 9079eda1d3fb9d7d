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

/** The file appears whole or not at all; an older report of that name is replaced. */
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

/** A masked file's only host is called host-1 like that of every other: the file's name tells them apart. */
const saved = async (path: string): Promise<TargetFacts> => {
  const obtained = await readFacts(undefined, { from: path });
  const [host, ...others] = obtained.hosts;
  return obtained.masked && host && others.length === 0
    ? { ...obtained, hosts: [{ ...host, name: basename(path, ".json") }] }
    : obtained;
};

const sources = (target: string | undefined, options: ReportOptions): Promise<TargetFacts>[] => {
  const { from = [], all } = options;
  if ([target !== undefined, from.length > 0, all === true].filter(Boolean).length > 1)
    throw new CommandError("name a stack or SSH target, --from FILE, or --all, one of them");
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

/** `vfio-fleet report`: the exit status, 2 when a host could not be asked. Throws a CommandError. */
export const report = async (target: string | undefined, options: ReportOptions): Promise<number> => {
  const obtained = await Promise.all(sources(target, options));
  const made = makeReport({
    takenAt:
      obtained
        .map(({ takenAt }) => takenAt)
        .sort()
        .at(-1) ?? new Date().toISOString(),
    hosts: obtained.flatMap(({ hosts }) => hosts),
    failures: obtained.flatMap(({ failures }) => failures),
  });
  await writeWhole(options.output, reportPage(made, pciNames()));
  console.log(`${printable(options.output)}: ${counted(made.hosts.length, "host")}`);
  for (const message of made.failures) console.error(message);
  return made.failures.length > 0 ? 2 : 0;
};
