import { CommandError } from "../ground/command-error.ts";
import { environmentOf, type Environment } from "../stack/engine/environment.ts";
import { readStackFile, stackNames, type StackFile } from "../stack/stack-file.ts";
import { stackTargets, type Target } from "../targets/target.ts";
import { printable } from "../ground/terminal.ts";

/** Which stacks a command is about. */
export interface Selection {
  readonly all?: true;
  /** `KEY=VALUE`; all of them have to fit */
  readonly label?: readonly string[];
}

/** A stack that a run is about: read, or what its file gets wrong. */
export type FleetStack =
  | {
      readonly ok: true;
      readonly name: string;
      readonly file: StackFile;
      readonly targets: readonly Target[];
      readonly environment: Environment;
    }
  | { readonly ok: false; readonly name: string; readonly message: string };

const parseLabel = (text: string): readonly [string, string] => {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new CommandError(`"${printable(text)}" is no label: write KEY=VALUE, as under vfio-fleet:labels`, {
    exitCode: 1,
  });
};

const load = async (name: string): Promise<FleetStack> => {
  try {
    const file = await readStackFile(name);
    const environment = await environmentOf(file.hosts);
    return { ok: true, name, file, environment, targets: await stackTargets(name, file, environment) };
  } catch (error) {
    return { ok: false, name, message: error instanceof Error ? error.message : String(error) };
  }
};

const fits = (stack: FleetStack, labels: readonly (readonly [string, string])[]): boolean =>
  // a file that cannot be read may be one that was meant: it is told, not left out
  !stack.ok || labels.every(([key, value]) => stack.file.labels[key] === value);

/**
 * The stacks that a command names, in the order of their names.
 * @throws {CommandError} for none, for a name without a file, for names together with --all
 */
export const selectStacks = async (
  names: readonly string[],
  { all, label = [] }: Selection,
): Promise<readonly FleetStack[]> => {
  const known = stackNames();
  const say = (text: string): never => {
    throw new CommandError(text, { exitCode: 1 });
  };
  const labels = label.map(parseLabel);
  if (names.length > 0 && (all || labels.length > 0))
    say("name stacks, or --all, or --label KEY=VALUE: one of them");
  if (names.length === 0 && !all && labels.length === 0)
    say(`name a stack (${known.join(", ")}), or --all, or --label KEY=VALUE`);
  const files = new Set(known);
  const unknown = names.filter((name) => !files.has(name));
  if (unknown.length > 0)
    say(`there is no stack ${printable(unknown.join(", "))}; there are ${known.join(", ")}`);
  const wanted = names.length > 0 ? [...new Set(names)] : known;
  const stacks = (await Promise.all(wanted.map(load))).filter((stack) => fits(stack, labels));
  if (stacks.length === 0) say(`no stack has the label ${printable(label.join(" and "))}`);
  return stacks;
};
