import type { Facts } from "../../facts/facts.ts";

/** Folders that modprobe reads, and which one's file counts where several have the name (modprobe.d(5)). */
const FOLDERS = [
  "/etc/modprobe.d/",
  "/run/modprobe.d/",
  "/usr/local/lib/modprobe.d/",
  "/usr/lib/modprobe.d/",
  "/lib/modprobe.d/",
] as const;

/** What a host is asked. /lib is /usr/lib, or the only one of the two (hosts before the merge of /usr). */
export const MODPROBE_FILES: readonly string[] = FOLDERS.filter(
  (folder) => folder !== "/usr/lib/modprobe.d/",
).map((folder) => `${folder}*.conf`);

/** A module's name as the kernel has it: modprobe and the command line take dashes for underscores. */
export const moduleName = (text: string): string => text.replaceAll("-", "_");

/** One line: `options vfio-pci ids=10de:1c81`. */
export interface ModprobeLine {
  readonly path: string;
  readonly command: string;
  readonly module: string;
  /** the words behind the module */
  readonly words: readonly string[];
  readonly text: string;
}

export const fileName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

const linesOf = (path: string, content: string): ModprobeLine[] =>
  content
    .replaceAll(/\\\n/g, "")
    .split("\n")
    .flatMap((line): ModprobeLine[] => {
      const text = line.trim();
      const [command = "", module = "", ...words] = text.split(/\s+/);
      return text === "" || text.startsWith("#")
        ? []
        : [{ path, command, module: moduleName(module), words, text }];
    });

/** All lines that count, in the order in which modprobe reads them: later options win (kmod: files sorted by name). */
export const modprobeLines = (facts: Facts): ModprobeLine[] => {
  const rank = (path: string): number => FOLDERS.findIndex((folder) => path.startsWith(folder));
  const paths = Object.keys(facts.files)
    .filter((path) => path.endsWith(".conf") && rank(path) >= 0)
    .sort((a, b) => rank(a) - rank(b));
  const first = new Map<string, string>();
  for (const path of paths) if (!first.has(fileName(path))) first.set(fileName(path), path);
  return [...first]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, path]) => linesOf(path, facts.files[path]?.content ?? ""));
};
