import { XMLBuilder, XMLParser, XMLValidator } from "fast-xml-parser";

/** An XML element as this project handles it: attributes in their order, children that are elements or text. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (XmlElement | string)[];
}

type Attribute = string | number | undefined;
type Child = XmlElement | string | undefined | false;

/** One element; attributes and children that are undefined or false are left out. */
export const element = (
  name: string,
  attributes: Readonly<Record<string, Attribute>> = {},
  children: readonly Child[] = [],
): XmlElement => ({
  name,
  attributes: Object.fromEntries(
    Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  ),
  children: children.filter((child) => child !== undefined && child !== false),
});

export const isElement = (child: XmlElement | string): child is XmlElement => typeof child !== "string";

export const elementsOf = (parent: XmlElement | undefined, name?: string): XmlElement[] =>
  parent?.children.filter(isElement).filter((child) => name === undefined || child.name === name) ?? [];

/** The first element at a path of names: `find(domain, "os", "loader")`. */
export const find = (from: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined =>
  names.reduce<XmlElement | undefined>((at, name) => elementsOf(at, name)[0], from);

export const textOf = (found: XmlElement | undefined): string | undefined =>
  found?.children.map((child) => (isElement(child) ? "" : child)).join("");

// fast-xml-parser's ordered form: [{ name: [children], ":@": { "@name": "value" } }, { "#text": "…" }]
const TEXT = "#text";
const ATTRIBUTES = ":@";
const PREFIX = "@";
const SHARED = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: PREFIX,
  textNodeName: TEXT,
} as const;

type Ordered = { readonly [name: string]: unknown };

const toOrdered = (child: XmlElement | string): Ordered => {
  if (!isElement(child)) return { [TEXT]: child };
  const attributes = Object.entries(child.attributes);
  return {
    [child.name]: child.children.map(toOrdered),
    ...(attributes.length > 0 && {
      [ATTRIBUTES]: Object.fromEntries(attributes.map(([key, value]) => [PREFIX + key, value])),
    }),
  };
};

const builder = new XMLBuilder({
  ...SHARED,
  format: true,
  indentBy: "  ",
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
});

/** The document as text, two spaces a level, with a line break at its end. */
export const printXml = (root: XmlElement): string => `${builder.build([toOrdered(root)]).trim()}\n`;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const fromOrdered = (node: unknown): (XmlElement | string)[] => {
  if (!isRecord(node)) return [];
  if (TEXT in node) return [String(node[TEXT])];
  const name = Object.keys(node).find((key) => key !== ATTRIBUTES);
  if (name === undefined || name.startsWith("?")) return [];
  const attributes = isRecord(node[ATTRIBUTES]) ? node[ATTRIBUTES] : {};
  const content = Array.isArray(node[name]) ? node[name].flatMap(fromOrdered) : [];
  const nested = content.some(isElement);
  return [
    {
      name,
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([key, value]) => [key.slice(PREFIX.length), String(value)]),
      ),
      // white space between elements is layout; in an element without others it is content
      children: content.filter(
        (child) => isElement(child) || ((child.trim() !== "" || !nested) && child !== ""),
      ),
    },
  ];
};

const parser = new XMLParser({
  ...SHARED,
  trimValues: false,
  parseTagValue: false,
  parseAttributeValue: false,
  htmlEntities: true,
  processEntities: { enabled: true, maxTotalExpansions: 1_000_000, maxExpandedLength: 10_000_000 },
});

export type ParsedXml =
  | { readonly ok: true; readonly root: XmlElement }
  | { readonly ok: false; readonly problem: string };

/** Reads a document with one root element; document types are refused, they serve no purpose here. */
export const parseXml = (text: string): ParsedXml => {
  if (/<!DOCTYPE/i.test(text)) return { ok: false, problem: "document types are not read" };
  const valid = XMLValidator.validate(text);
  if (valid !== true) return { ok: false, problem: `line ${valid.err.line}: ${valid.err.msg}` };
  try {
    const roots = (parser.parse(text) as unknown[]).flatMap(fromOrdered).filter(isElement);
    const [root] = roots;
    return root && roots.length === 1
      ? { ok: true, root }
      : { ok: false, problem: `expected one element, found ${roots.length}` };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
};
