/** Markup that needs no escaping. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | false | null | undefined | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control characters have no place in markup. Those that change the text's direction could hide parts of it. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

const escape = (text: string): string =>
  text
    .replaceAll(UNPRINTABLE, (found) => (found === "\n" || found === "\t" ? found : "\u{fffd}"))
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");

const render = (part: Part): string => {
  if (part === undefined || part === null || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "string" || typeof part === "number") return escape(String(part));
  return part.map(render).join("");
};

/**
 * Markup with values in it, HTML or SVG. Every value is escaped unless it is markup itself. Attributes stand in
 * double quotes.
 */
export const markup = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(
    strings.reduce(
      (text, string, index) => text + (index === 0 ? "" : render(parts[index - 1])) + string,
      "",
    ),
  );
