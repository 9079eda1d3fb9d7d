import { z } from "zod";
import { oneOfKinds } from "../../forms.ts";

const CPUSET = /^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/;

/** The CPU numbers of a list such as `0-3,8` (Linux: cpuset(7), "List format"), ascending, each once. */
export const parseCpuset = (text: string): number[] | undefined => {
  if (!CPUSET.test(text)) return undefined;
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const [first = 0, last = first] = part.split("-").map(Number);
    if (last < first) return undefined;
    for (let cpu = first; cpu <= last; cpu += 1) found.add(cpu);
  }
  return [...found].sort((a, b) => a - b);
};

/** The shortest list for CPU numbers, as libvirt prints it back: `0-3,8`. */
export const formatCpuset = (cpus: readonly number[]): string => {
  const sorted = [...new Set(cpus)].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const cpu of sorted) {
    const last = runs.at(-1);
    if (last && last[1] === cpu - 1) last[1] = cpu;
    else runs.push([cpu, cpu]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
};

export const cpusetSchema = oneOfKinds(
  { text: z.string(), number: z.int().min(0).max(9999) },
  'expected a list of host CPUs such as "0-3,8"',
).transform((given, context): number[] => {
  const cpus = parseCpuset(String(given).replaceAll(" ", ""));
  if (cpus) return cpus;
  context.addIssue({ code: "custom", message: `"${given}" is not a list of host CPUs such as "0-3,8"` });
  return z.NEVER;
});
