import { forEachChild, parse, type Function as FunctionNode, type SyntaxNode } from "unbash";

/** What a shell function is made of, as far as its text tells. */
export interface ShellDefinition {
  readonly name: string;
  readonly line: number;
  /** commands that it calls by name, those inside of substitutions too */
  readonly calls: readonly string[];
  /** plain words that it hands over: a function may be among them */
  readonly words: readonly string[];
  readonly locals: readonly string[];
  /** variables that it sets: by assignment, `for` or `read` */
  readonly sets: readonly string[];
  /** variables that it reads, positional and special ones left out */
  readonly reads: readonly string[];
}

interface Collected {
  readonly calls: Set<string>;
  readonly words: Set<string>;
  readonly locals: Set<string>;
  readonly sets: Set<string>;
  readonly reads: Set<string>;
}

const nothing = (): Collected => ({
  calls: new Set(),
  words: new Set(),
  locals: new Set(),
  sets: new Set(),
  reads: new Set(),
});

const NAME = /^[A-Za-z_]\w*$/;
const nameOf = (text: string): string => text.replace(/=.*$/s, "");

/** What a command sets beside what stands in front of it. */
const collectCommand = (name: string, args: readonly string[], found: Collected): void => {
  if (name === "local") for (const arg of args) found.locals.add(nameOf(arg));
  else if (name === "read") for (const arg of args) if (NAME.test(arg) && arg !== "_") found.sets.add(arg);
  // a trap is text that runs later
  if (name === "trap" && args[0] !== undefined && args[0] !== "-") collect(parse(args[0]), found);
};

const collect = (node: SyntaxNode, found: Collected): void => {
  if (node.type === "Command") {
    const name = node.name?.value;
    for (const part of node.prefix)
      // in front of a command they hold for it alone
      if (part.type === "Assignment" && name === undefined) found.sets.add(part.name);
    if (name !== undefined) {
      found.calls.add(name);
      const args = node.args.map((arg) => (arg.type === "Assignment" ? arg.name : arg.value));
      for (const arg of args) found.words.add(arg);
      collectCommand(name, args, found);
    }
  } else if (node.type === "For") found.sets.add(node.name.value);
  else if (node.type === "SimpleExpansion") found.reads.add(node.text.slice(1));
  else if (node.type === "ParameterExpansion") found.reads.add(node.parameter);
  else if (node.type === "ArithmeticWord") found.reads.add(node.value.replace(/^\$/, ""));
  forEachChild(node, (child) => {
    if (child.type !== "Function") collect(child, found);
  });
};

const functionsIn = (node: SyntaxNode): FunctionNode[] => {
  const found: FunctionNode[] = node.type === "Function" ? [node] : [];
  forEachChild(node, (child) => {
    found.push(...functionsIn(child));
  });
  return found;
};

/** Patterns of the `case` statements of a function: the verbs that it knows, for one. */
export const casePatterns = (text: string, name: string): string[] => {
  const patterns: string[] = [];
  const walk = (node: SyntaxNode): void => {
    if (node.type === "CaseItem") patterns.push(...node.pattern.map(({ value }) => value));
    forEachChild(node, walk);
  };
  for (const found of functionsIn(parse(text))) if (found.name.value === name) walk(found);
  return patterns;
};

const analysed = new Map<string, readonly ShellDefinition[]>();

/** A shell program in its functions; what stands outside of them comes as one without a name. Throws where it is no program. */
export const shellFunctions = (text: string): readonly ShellDefinition[] => {
  const before = analysed.get(text);
  if (before) return before;
  const script = parse(text);
  if (script.errors?.length)
    throw new Error(script.errors.map(({ message, pos }) => `${pos}: ${message}`).join("; "));
  const definition = (name: string, node: SyntaxNode): ShellDefinition => {
    const found = nothing();
    collect(node, found);
    return {
      name,
      line: text.slice(0, node.pos).split("\n").length,
      calls: [...found.calls],
      words: [...found.words],
      locals: [...found.locals],
      sets: [...found.sets],
      reads: [...found.reads].filter((variable) => NAME.test(variable)),
    };
  };
  const found = [
    definition("", script),
    ...functionsIn(script).map((node) => definition(node.name.value, node.body)),
  ];
  analysed.set(text, found);
  return found;
};

/** Variables that a function uses as if they were its own, and that are not: upper case is for those of the whole program. */
export const strayVariables = ({ locals, sets, reads }: ShellDefinition): string[] =>
  [...new Set([...sets, ...reads])].filter(
    (name) => !locals.includes(name) && !/^[A-Z][A-Z0-9_]*$|^_$/.test(name),
  );
