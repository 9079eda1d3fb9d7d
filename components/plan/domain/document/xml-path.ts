import { isElement, type XmlElement } from "./xml-tree.ts";

/** One step of a path: an element's name, perhaps which of several. */
export interface Segment {
  readonly name: string;
  readonly which:
    | { readonly kind: "any" }
    | { readonly kind: "nth"; readonly n: number }
    | { readonly kind: "attribute"; readonly name: string; readonly value: string };
}

/** A small part of XPath below <domain>: `devices/disk[2]/driver/@cache`, `devices/graphics[@type='vnc']`, `.`. */
export interface XmlPath {
  readonly segments: readonly Segment[];
  readonly attribute: string | undefined;
}

const NAME = "[A-Za-z_][A-Za-z0-9_.:-]*";
/** One segment and the slash behind it, or an attribute at the very end. */
const STEP = new RegExp(
  `(?:(${NAME})(?:\\[(?:([1-9]\\d{0,3})|@(${NAME})=(?:'([^']*)'|"([^"]*)"))\\])?(?:/(?=.)|$))|(?:@(${NAME})$)`,
  "y",
);

/** Reads a path; undefined when it is none. */
export const parseXmlPath = (text: string): XmlPath | undefined => {
  if (text === ".") return { segments: [], attribute: undefined };
  const segments: Segment[] = [];
  let attribute: string | undefined;
  let position = 0;
  while (position < text.length) {
    STEP.lastIndex = position;
    const match = STEP.exec(text);
    if (!match) return undefined;
    position = STEP.lastIndex;
    const [, name, nth, key, single, double, last] = match;
    if (last !== undefined) attribute = last;
    else if (name !== undefined)
      segments.push({
        name,
        which:
          nth !== undefined
            ? { kind: "nth", n: Number(nth) }
            : key !== undefined
              ? { kind: "attribute", name: key, value: single ?? double ?? "" }
              : { kind: "any" },
      });
  }
  return text === "" ? undefined : { segments, attribute };
};

/** Positions among the parent's children that a segment means. */
export const positionsOf = (parent: XmlElement, segment: Segment): number[] => {
  const named = parent.children.flatMap((child, position) =>
    isElement(child) && child.name === segment.name ? [{ child, position }] : [],
  );
  const { which } = segment;
  switch (which.kind) {
    case "any":
      return named.map(({ position }) => position);
    case "nth":
      return named.slice(which.n - 1, which.n).map(({ position }) => position);
    case "attribute":
      return named
        .filter(({ child }) => child.attributes[which.name] === which.value)
        .map(({ position }) => position);
  }
};
