import ts from "typescript";

/** A sentence or clause of a comment or string. */
export interface Sentence {
  /** offset in the source */
  readonly at: number;
  readonly text: string;
}

const DECORATION = /\/\*+|\*+\/|\/\/|^[ \t]*\*/gm;
/** Stands for code, so that texts on its two sides are never one sentence. */
const CODE = "\0";

const blank = (text: string): string => text.replaceAll(/[^\n]/g, " ");
const code = (text: string): string => text.replaceAll(/\S/g, CODE);
const comment = (text: string): string => text.replaceAll(DECORATION, blank);
/** The text of a string or of a template's part; a substitution is the word X. */
const literal = (text: string): string =>
  text
    .replace(/^["'`]/, CODE)
    .replace(/["'`]$/, CODE)
    .replace(/^\}/, "X")
    .replace(/\$\{$/, "X ")
    .replaceAll(/\\[nrt]/g, `${CODE} `);

const isText = (token: ts.Node): boolean =>
  ts.isStringLiteral(token) || token.kind === ts.SyntaxKind.JsxText || ts.isTemplateLiteralToken(token);

/** The source with all code blanked: comments and texts of strings stay at their places. */
const typescriptProse = (source: string): string => {
  const file = ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): string => {
    const parts = node.getChildren(file).filter((child) => !ts.isJSDoc(child));
    if (parts.length > 0) return parts.map(visit).join("");
    const text = node.getText(file);
    return (
      comment(source.slice(node.getFullStart(), node.getStart(file))) +
      (isText(node) ? literal(text) : code(text))
    );
  };
  return visit(file);
};

/** The same for a shell script: comments, and strings that end in their line. */
const shellProse = (source: string): string =>
  source.replaceAll(
    /(^|\s)(#+)([^\n]*)|"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|\S/g,
    (found, before: string | undefined, marks: string | undefined, text: string | undefined) =>
      text === undefined
        ? found.length > 1
          ? literal(found)
          : CODE
        : `${before ?? ""}${blank(marks ?? "")}${text}`,
  );

const SENTENCE = /[^\0.?!:;]+(?:[.?!:;](?!\s|\0|$)[^\0.?!:;]*)*[.?!:;]?/g;

/** All sentences and clauses in the comments and strings of a source file. */
export const sentencesOf = (path: string, source: string): Sentence[] => {
  const prose = path.endsWith(".ts") || path.endsWith(".mjs") ? typescriptProse(source) : shellProse(source);
  // a blank line and a list's dash begin a sentence
  const clauses = prose.replaceAll(/\n[ \t]*\n|\n[ \t]*- /g, (gap) => gap.replaceAll(/[^\n]/g, CODE));
  return [...clauses.matchAll(SENTENCE)].flatMap(({ 0: text, index }) => {
    const words = text.replaceAll(/\s+/g, " ").trim();
    const start = index + text.length - text.trimStart().length;
    return /[a-z] [a-z]/i.test(words) ? [{ at: start, text: words }] : [];
  });
};
