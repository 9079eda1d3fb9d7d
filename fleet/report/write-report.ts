import { basename } from "node:path";
import { CommandError } from "../ground/command-error.ts";
import { counted } from "../ground/format.ts";
import { readFactsEverywhere, readFacts, type FactsSource, type TargetFacts } from "../targets/read-facts.ts";
import { pciNames } from "../ground/pci-names.ts";
import { printable } from "../ground/terminal.ts";
import { replaceFile } from "../ground/write-file.ts";
import { makeReport } from "./model.ts";
import { reportPage } from "./page.ts";

/** The options as the command line gives them. */
export interface ReportOptions extends Omit<FactsSource, "from"> {
  readonly from?: readonly string[];
  readonly all?: true;
  readonly output: string;
}

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
  replaceFile(options.output, reportPage(made, pciNames()));
  console.log(`${printable(options.output)}: ${counted(made.hosts.length, "host")}`);
  for (const message of made.failures) console.error(message);
  return made.failures.length > 0 ? 2 : 0;
};
