import { CommandError } from "../ground/command-error.ts";
import { environmentOf, type Environment } from "../stack/engine/environment.ts";
import { readStackFile, stackNames, type StackFile } from "../stack/stack-file.ts";
import { stackTargets, type Target } from "../targets/target.ts";
import { printable } from "../ground/terminal.ts";

/** The selection of stacks for a command. */
export interface Selection {
  readonly all?: true;
  /** Labels such as `KEY=VALUE`; a stack has to have all of them. */
  readonly label?: readonly string[];
}

/** A selected stack: its file, or the mistakes in it. */
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
  throw new CommandError(
    `"${printable(text)}" is not a label; expected KEY=VALUE, as under vfio-fleet:labels`,
    {
      exitCode: 1,
    },
  );
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
  // A file that cannot be read may carry the label, so it is reported instead of left out.
  !stack.ok || labels.every(([key, value]) => stack.file.labels[key] === value);

/**
 * The selected stacks, sorted by name.
 * @throws {CommandError} for no stack, for a name without a file, for names together with --all
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
    say("give one of these: names of stacks, --all, --label KEY=VALUE");
  if (names.length === 0 && !all && labels.length === 0)
    say(`name a stack (${known.join(", ")}), or give --all or --label KEY=VALUE`);
  const files = new Set(known);
  const unknown = names.filter((name) => !files.has(name));
  if (unknown.length > 0)
    say(`there is no stack ${printable(unknown.join(", "))}; the stacks are ${known.join(", ")}`);
  const wanted = names.length > 0 ? [...new Set(names)] : known;
  const stacks = (await Promise.all(wanted.map(load))).filter((stack) => fits(stack, labels));
  if (stacks.length === 0) say(`no stack has the label ${printable(label.join(" and "))}`);
  return stacks;
};
