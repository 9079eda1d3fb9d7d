import { splitBlock } from "../../../plan/block.ts";
import type { Facts } from "../../../facts/facts.ts";

export const DEFAULTS = "/etc/default/grub";
export const DROP_IN = "/etc/default/grub.d/90-vfio-fleet.cfg";
export const DROP_INS = "/etc/default/grub.d/*.cfg";

const ASSIGNMENT = /(?:^|\n)[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)(\+?)=/g;

/** One word of a shell from `start` on: quotes either way, continued lines, variables; commands stay as they stand. */
const wordAt = (text: string, start: number, variables: ReadonlyMap<string, string>): string => {
  let value = "";
  let quote = "";
  for (let at = start; at < text.length; at++) {
    const character = text[at] ?? "";
    if (quote === "'") {
      if (character === "'") quote = "";
      else value += character;
    } else if (character === "\\") {
      const next = text[++at] ?? "";
      // within double quotes a backslash only takes the meaning of these (POSIX shell, 2.2.3)
      if (next !== "\n") value += quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next;
    } else if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
    else if (quote === "" && /[\s;&|#]/.test(character)) break;
    else if (character === "$") {
      const [whole = "", braced, plain] = /^\$(?:\{(\w+)\}|(\w+))/.exec(text.slice(at)) ?? [];
      value += whole === "" ? "$" : (variables.get(braced ?? plain ?? "") ?? "");
      at += Math.max(0, whole.length - 1);
    } else value += character;
  }
  return value;
};

/**
 * The variables that the host's own files set for grub-mkconfig, which reads them as a shell does: /etc/default/grub,
 * then the drop-ins by name. This project's own drop-in and block are left out.
 */
export const grubVariables = (facts: Facts): ReadonlyMap<string, string> => {
  const variables = new Map<string, string>();
  const drops = Object.keys(facts.files)
    .filter((path) => path.startsWith("/etc/default/grub.d/") && path.endsWith(".cfg") && path !== DROP_IN)
    .sort();
  for (const path of [DEFAULTS, ...drops]) {
    const text = splitBlock(facts.files[path]?.content ?? "").rest;
    for (const match of text.matchAll(ASSIGNMENT)) {
      const [whole, name = "", more] = match;
      const word = wordAt(text, match.index + whole.length, variables);
      variables.set(name, more === "+" ? (variables.get(name) ?? "") + word : word);
    }
  }
  return variables;
};
