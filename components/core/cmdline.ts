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

/**
 * Arguments on the host that say something else than a wanted one: `intel_iommu=off` against `intel_iommu=on`.
 * Repeatable arguments (`console=`, `vfio_pci.ids=`) are never wanted twice by us, so every other value counts.
 */
export const contradictions = (
  wanted: readonly string[],
  present: readonly string[],
): { readonly wanted: string; readonly found: string }[] =>
  wanted.flatMap((argument) =>
    present
      .filter((other) => other !== argument && keyOf(other) === keyOf(argument))
      .map((found) => ({ wanted: argument, found })),
  );
