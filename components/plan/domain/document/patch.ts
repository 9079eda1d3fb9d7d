import { z } from "zod";
import { oneOfKeys } from "../../forms.ts";
import { element, isElement, parseXml, type XmlElement } from "./xml-tree.ts";
import { parseXmlPath, positionsOf, type Segment, type XmlPath } from "./xml-path.ts";

/** What one patch does, parsed. */
export type Patch = { readonly path: string; readonly at: XmlPath } & (
  | { readonly action: "set-element" | "append"; readonly element: XmlElement }
  | { readonly action: "set-attribute"; readonly attribute: string; readonly value: string }
  | { readonly action: "remove" }
);

// libvirt normalizes white space in attributes, and refuses other control characters
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f]/;

const at = z
  .string()
  .refine((text) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text), "has control characters")
  .describe(
    "place below <domain>: names joined by /, [2] or [@name='value'] to choose among several, @name at the end for an attribute, . for the domain itself",
  );

const rawPatch = oneOfKeys(
  {
    set: z.strictObject({
      path: at,
      set: z.string().describe("the element that is to be there, as XML, or an attribute's value"),
    }),
    append: z.strictObject({
      path: at,
      append: z.string().describe("an element, as XML, to add below the path"),
    }),
    remove: z.strictObject({
      path: at,
      remove: z.literal(true).describe("take the element or the attribute out"),
    }),
  },
  "expected a path with one of set, append and remove",
);

const unfit = (found: XmlElement): boolean =>
  Object.values(found.attributes).some((value) => CONTROL.test(value)) ||
  found.children.some((child) => isElement(child) && unfit(child));

const readElement = (xml: string): XmlElement | string => {
  const parsed = parseXml(xml);
  if (!parsed.ok) return `is no well-formed XML element: ${parsed.problem}`;
  return unfit(parsed.root) ? "has an attribute with control characters" : parsed.root;
};

/** Elements that say who the domain is. */
const OWN: readonly string[] = ["name", "uuid", "metadata"];

const readPatch = (raw: z.infer<typeof rawPatch>): Patch | string => {
  const { path } = raw;
  const place = parseXmlPath(path);
  if (!place) return `"${path}" is not a path such as devices/disk[1]/driver/@cache`;
  const last = place.segments.at(-1);
  if (OWN.includes(place.segments[0]?.name ?? ""))
    return `${place.segments[0]?.name} is what the tool knows the domain by and cannot be patched`;
  if ("remove" in raw)
    return last || place.attribute !== undefined
      ? { path, at: place, action: "remove" }
      : "the domain itself cannot be removed";
  if ("append" in raw) {
    if (place.attribute !== undefined) return "append needs an element's path, not an attribute's";
    const found = readElement(raw.append);
    return typeof found === "string"
      ? `append ${found}`
      : { path, at: place, action: "append", element: found };
  }
  if (place.attribute !== undefined)
    return CONTROL.test(raw.set)
      ? "set has control characters"
      : { path, at: place, action: "set-attribute", attribute: place.attribute, value: raw.set };
  if (!last) return "the domain itself cannot be set; name an element below it";
  const found = readElement(raw.set);
  if (typeof found === "string") return `set ${found}`;
  return found.name === last.name
    ? { path, at: place, action: "set-element", element: found }
    : `set holds <${found.name}>, the path ends in ${last.name}`;
};

export const patchSchema = rawPatch.transform((raw, context): Patch => {
  const patch = readPatch(raw);
  if (typeof patch !== "string") return patch;
  context.addIssue({ code: "custom", message: patch });
  return z.NEVER;
});

type Outcome =
  | { readonly ok: true; readonly value: XmlElement }
  | { readonly ok: false; readonly problem: string };
type Change = (target: XmlElement) => XmlElement;

const done = (value: XmlElement): Outcome => ({ ok: true, value });

const replaceAt = (parent: XmlElement, position: number, child: XmlElement | undefined): XmlElement => ({
  ...parent,
  children: parent.children.flatMap((old, index) => (index === position ? (child ? [child] : []) : [old])),
});

/** A new element can stand for a segment unless the segment asks for one of several. */
const fresh = ({ name, which }: Segment): XmlElement | undefined => {
  if (which.kind === "any" || (which.kind === "nth" && which.n === 1)) return element(name);
  return which.kind === "attribute" ? element(name, { [which.name]: which.value }) : undefined;
};

/** Changes the one element that the segments lead to, making those on the way that are missing. */
const changeAt = (root: XmlElement, segments: readonly Segment[], change: Change): Outcome => {
  const [segment, ...rest] = segments;
  if (!segment) return done(change(root));
  const positions = positionsOf(root, segment);
  if (positions.length > 1)
    return { ok: false, problem: `<${segment.name}> is there ${positions.length} times: say which, as [1]` };
  const [position] = positions;
  const old = position === undefined ? fresh(segment) : root.children[position];
  if (old === undefined || !isElement(old))
    return { ok: false, problem: `there is no such <${segment.name}>` };
  const changed = changeAt(old, rest, change);
  if (!changed.ok) return changed;
  return done(
    position === undefined
      ? { ...root, children: [...root.children, changed.value] }
      : replaceAt(root, position, changed.value),
  );
};

const removeAt = (root: XmlElement, segments: readonly Segment[], attribute: string | undefined): Outcome => {
  const [segment, ...rest] = segments;
  if (!segment) {
    if (attribute === undefined || !(attribute in root.attributes))
      return { ok: false, problem: `<${root.name}> has no attribute ${attribute ?? ""}` };
    const { [attribute]: _removed, ...attributes } = root.attributes;
    return done({ ...root, attributes });
  }
  const positions = positionsOf(root, segment);
  const [position] = positions;
  if (position === undefined) return { ok: false, problem: `there is no such <${segment.name}> to remove` };
  if (positions.length > 1)
    return { ok: false, problem: `<${segment.name}> is there ${positions.length} times: say which, as [1]` };
  if (rest.length === 0 && attribute === undefined) return done(replaceAt(root, position, undefined));
  const child = root.children[position];
  if (child === undefined || !isElement(child)) return { ok: false, problem: "not an element" };
  const changed = removeAt(child, rest, attribute);
  return changed.ok ? done(replaceAt(root, position, changed.value)) : changed;
};

/** Applies one patch to a <domain>; a patch that finds nothing to act on is a problem, never silently nothing. */
export const applyPatch = (domain: XmlElement, patch: Patch): Outcome => {
  const { segments } = patch.at;
  switch (patch.action) {
    case "append":
      return changeAt(domain, segments, (target) => ({
        ...target,
        children: [...target.children, patch.element],
      }));
    case "set-element":
      return changeAt(domain, segments, () => patch.element);
    case "set-attribute":
      return changeAt(domain, segments, (target) => ({
        ...target,
        attributes: { ...target.attributes, [patch.attribute]: patch.value },
      }));
    case "remove":
      return removeAt(domain, segments, patch.at.attribute);
  }
};
