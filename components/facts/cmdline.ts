/**
 * The kernel command line. Arguments are separated by spaces; double quotes hold spaces together and may surround
 * the value or the whole argument (Linux: lib/cmdline.c, next_arg).
 */
export const parseCmdline = (line: string): string[] => {
  const found: string[] = [];
  let current = "";
  let quoted = false;
  for (const character of line.trim()) {
    if (character === '"') quoted = !quoted;
    if (/\s/.test(character) && !quoted) {
      if (current) found.push(current);
      current = "";
    } else current += character;
  }
  if (current) found.push(current);
  return found;
};

const keyOf = (argument: string): string => {
  const at = argument.indexOf("=");
  return (at < 0 ? argument : argument.slice(0, at)).replaceAll("-", "_");
};

/** Arguments of `wanted` that `present` does not hold yet, in their order: what a drop-in has to add. */
export const missingArguments = (wanted: readonly string[], present: readonly string[]): string[] =>
  wanted.filter((argument) => !present.includes(argument));

/** Arguments that may stand several times, each with a value of its own (Linux: admin-guide/kernel-parameters.txt). */
const REPEATABLE =
  /^(console|earlycon|video|hugepagesz|hugepages|(initcall|module|modprobe\.|rd\.driver\.)_?blacklist|acpi_osi|pci|systemd\.(mask|wants)|rd\..*)$/;

/** Arguments that stand more than once with the same value, each named once. */
export const duplicates = (present: readonly string[]): string[] => [
  ...new Set(present.filter((argument, at) => argument.includes("=") && present.indexOf(argument) < at)),
];

/**
 * Arguments whose values are switches: each occurrence adds to those before it, so only opposed ones contradict each other
 * (Linux: intel_iommu_setup, parse_amd_iommu_options, iommu_setup of x86).
 */
const SWITCHES = /^((intel|amd)_)?iommu$/;
const switchesOf = (argument: string): string[] => argument.slice(argument.indexOf("=") + 1).split(",");
const opposed = (one: readonly string[], other: readonly string[]): boolean =>
  one.includes("off") !== other.includes("off") || (one.includes("pt") && other.includes("nopt"));

const contradict = (one: string, other: string): boolean => {
  const key = keyOf(one);
  if (one === other || key !== keyOf(other) || REPEATABLE.test(key)) return false;
  if (!SWITCHES.test(key)) return true;
  const [first, second] = [switchesOf(one), switchesOf(other)];
  return opposed(first, second) || opposed(second, first);
};

/** Whether an argument leaves the processor's IOMMU off, whatever stands beside it. */
export const switchesIommuOff = (argument: string, vendor: string): boolean =>
  ["iommu", `${vendor}_iommu`].includes(keyOf(argument)) && switchesOf(argument).includes("off");

/** Arguments on the host that say something else than a wanted one: `intel_iommu=off` against `intel_iommu=on`. */
export const contradictions = (
  wanted: readonly string[],
  present: readonly string[],
): { readonly wanted: string; readonly found: string }[] =>
  wanted.flatMap((argument) =>
    present.filter((other) => contradict(argument, other)).map((found) => ({ wanted: argument, found })),
  );
