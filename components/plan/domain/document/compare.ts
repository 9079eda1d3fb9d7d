import { hostdevAddress } from "./existing.ts";
import { METADATA_NAMESPACE } from "./metadata.ts";
import { isOwnedAttribute, isOwnedChild } from "./vocabulary.ts";
import { elementsOf, find, isElement, parseXml, printXml, textOf, type XmlElement } from "./xml-tree.ts";

/** One place where a definition is not as wanted; undefined: nothing there. */
export interface Difference {
  /** below <domain>: `devices/disk[vda]/driver/@cache` */
  readonly path: string;
  readonly found: string | undefined;
  readonly wanted: string | undefined;
}

/** One difference as a line for people: `path: host's -> wanted`. */
export const formatDifference = ({ path, found, wanted }: Difference): string =>
  `${path}: ${found ?? "nothing"} -> ${wanted ?? "nothing"}`;

const keyed = (found: XmlElement): string | undefined => {
  const { attributes: at } = found;
  const inner = (name: string, attribute: string): string | undefined =>
    find(found, name)?.attributes[attribute];
  switch (found.name) {
    case "disk":
      return inner("target", "dev");
    case "interface":
      return inner("mac", "address")?.toLowerCase();
    case "hostdev": {
      const source = find(found, "source");
      return at["type"] === "usb"
        ? [find(source, "vendor"), find(source, "product")]
            .map((part) => part?.attributes["id"] ?? "")
            .join(":")
        : hostdevAddress(found);
    }
    case "controller":
      return `${at["type"]} ${at["index"]}`;
    case "input":
      return [at["type"], at["bus"] ?? inner("source", "dev")].filter(Boolean).join(" ");
    case "filesystem":
      return inner("target", "dir");
    case "graphics":
      return at["type"];
    case "shmem":
    case "timer":
    case "feature":
      return at["name"];
    case "page":
      return at["size"];
    case "vcpupin":
      return at["vcpu"];
    case "iothreadpin":
      return at["iothread"];
    default:
      return undefined;
  }
};

interface Labelled {
  readonly label: string;
  readonly element: XmlElement;
}

/** Children with a label each: what tells them apart where their order means nothing, else their number. */
const labelled = (parent: XmlElement | undefined): Labelled[] => {
  const children = elementsOf(parent);
  const seen = new Map<string, number>();
  return children.map((element) => {
    const key = keyed(element);
    const base = key === undefined ? element.name : `${element.name}[${key}]`;
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return { label: count === 1 ? base : `${base}[${count}]`, element };
  });
};

const HEX = /^0x[0-9a-f]+$/i;
const familyAlias: Readonly<Record<string, RegExp>> = { pc: /^pc-i440fx-/, q35: /^pc-q35-/ };

const same = (path: string, wanted: string, found: string): boolean => {
  if (wanted === found) return true;
  // 0x1 and 0x01; also 1, as long as one side is marked as hexadecimal
  if (HEX.test(wanted) || HEX.test(found)) return Number(wanted) === Number(found);
  // libvirt writes down which version the family's name meant
  if (path === "os/type/@machine") return familyAlias[wanted]?.test(found) ?? false;
  return false;
};

const oneLine = (found: XmlElement): string => printXml(found).replaceAll(/\n\s*/g, "");

interface View {
  readonly skip: (path: string, element: XmlElement) => boolean;
}

const join = (path: string, label: string): string => (path === "" ? label : `${path}/${label}`);

const textDifference = (path: string, wanted: XmlElement, found: XmlElement): Difference[] => {
  if (wanted.children.some(isElement) || found.children.some(isElement)) return [];
  const [want, have] = [textOf(wanted) ?? "", textOf(found) ?? ""];
  return want.trim() === have.trim() ? [] : [{ path, found: have, wanted: want }];
};

const attributeDifferences = (
  path: string,
  place: string,
  wanted: XmlElement,
  found: XmlElement,
  view: View,
): Difference[] => {
  const differences: Difference[] = [];
  const skip = (name: string): boolean => view.skip(join(path, `@${name}`), wanted);
  for (const [name, value] of Object.entries(wanted.attributes)) {
    const at = join(path, `@${name}`);
    const have = found.attributes[name];
    if (!skip(name) && (have === undefined ? value !== "no" : !same(at, value, have)))
      differences.push({ path: at, found: have, wanted: value });
  }
  for (const [name, value] of Object.entries(found.attributes))
    if (!(name in wanted.attributes) && isOwnedAttribute(place, name, value) && !skip(name))
      differences.push({ path: join(path, `@${name}`), found: value, wanted: undefined });
  return differences;
};

/** `path` is for people, with labels; `place` for the vocabulary, with names only. */
const elementDifferences = (
  path: string,
  place: string,
  wanted: XmlElement,
  found: XmlElement,
  view: View,
): Difference[] => {
  const wants = labelled(wanted);
  const has = new Map(labelled(found).map(({ label, element }) => [label, element]));
  const children = wants.flatMap(({ label, element }): Difference[] => {
    const at = join(path, label);
    if (view.skip(at, element)) return [];
    const other = has.get(label);
    if (!other) return [{ path: at, found: undefined, wanted: oneLine(element) }];
    return elementDifferences(at, `${place}/${element.name}`, element, other, view);
  });
  const known = new Set(wants.map(({ label }) => label));
  const extra = [...has].flatMap(([label, element]): Difference[] => {
    const at = join(path, label);
    return known.has(label) || !isOwnedChild(place, element) || view.skip(at, element)
      ? []
      : [{ path: at, found: oneLine(element), wanted: undefined }];
  });
  return [
    ...attributeDifferences(path, place, wanted, found, view),
    ...textDifference(path, wanted, found),
    ...children,
    ...extra,
  ];
};

/** libvirt's own status file wraps a running domain's definition. */
const readDomain = (xml: string, what: string): XmlElement => {
  const parsed = parseXml(xml);
  if (!parsed.ok) throw new Error(`${what} cannot be read: ${parsed.problem}`);
  const root = parsed.root.name === "domstatus" ? find(parsed.root, "domain") : parsed.root;
  if (root?.name !== "domain") throw new Error(`${what} holds <${parsed.root.name}>, expected <domain>`);
  return root;
};

const ownMetadata = (domain: XmlElement): XmlElement | undefined =>
  elementsOf(find(domain, "metadata")).find((child) =>
    Object.values(child.attributes).includes(METADATA_NAMESPACE),
  );

/** QEMU's choice of a port stands in the running domain only; `auto` is what is compared. */
const isAutoPort = (path: string, element: XmlElement): boolean =>
  path.endsWith("/@port") && element.name === "graphics" && element.attributes["autoport"] === "yes";

const metadataDifferences = (wanted: XmlElement, found: XmlElement): Difference[] => {
  const [want, have] = [ownMetadata(wanted), ownMetadata(found)];
  if (!want) return [];
  if (!have) return [{ path: "metadata", found: undefined, wanted: oneLine(want) }];
  return elementDifferences("metadata", "metadata", want, have, {
    // the machine stands in os/type; the prefix is anybody's choice
    skip: (path) => path === "metadata/@machine" || path.startsWith("metadata/@xmlns"),
  });
};

/**
 * Whether the definition that libvirt stored means what was wanted: everything wanted is there with its value;
 * what libvirt added is passed over; devices and settings that nobody wanted are named.
 * @param wanted what domainXml made
 * @param found what `virsh dumpxml --inactive` prints, or libvirt's own file
 * @throws {Error} when one of them is no definition
 */
export const domainDifferences = (wanted: string, found: string): Difference[] => {
  const [want, have] = [
    readDomain(wanted, "the wanted definition"),
    readDomain(found, "the host's definition"),
  ];
  const skip = (path: string, element: XmlElement): boolean =>
    path === "metadata" || isAutoPort(path, element);
  const differences = [
    ...elementDifferences("", "domain", want, have, { skip }),
    ...metadataDifferences(want, have),
  ];
  // the digest says only that something differs: of use where nothing else shows it
  const telling = differences.filter(({ path }) => path !== "metadata/@digest");
  return telling.length > 0 ? telling : differences;
};

/**
 * What of the stored definition the running domain does not have yet: it waits for the next start.
 * @param stored `virsh dumpxml --inactive`
 * @param live `virsh dumpxml`, or libvirt's status file
 * @throws {Error} when one of them is no definition
 */
export const pendingDifferences = (stored: string, live: string): Difference[] => {
  const [want, have] = [readDomain(stored, "the stored definition"), readDomain(live, "the running domain")];
  // an empty drive has no image, so no format either, once the domain runs
  const empty = labelled(find(want, "devices")).filter(
    ({ element }) =>
      element.name === "disk" && element.attributes["device"] === "cdrom" && !find(element, "source"),
  );
  const formats = new Set(empty.map(({ label }) => `devices/${label}/driver/@type`));
  const expandsCpu = find(want, "cpu")?.attributes["mode"] === "host-model";
  return elementDifferences("", "domain", want, have, {
    skip: (path, element) =>
      path === "metadata" ||
      formats.has(path) ||
      // the balloon's state, not a setting of its own
      path === "currentMemory" ||
      // the bridge and port that its network gave an interface: in libvirt's status file only
      (element.name === "actual" && path.startsWith("devices/interface")) ||
      // libvirt puts the model it chose in the place of host-model
      (expandsCpu && (path === "cpu" || path.startsWith("cpu/"))) ||
      isAutoPort(path, element),
  });
};

/** The differences of domainDifferences as lines for people: `path: host's -> wanted`. */
export const compareDomains = (wanted: string, found: string): string[] =>
  domainDifferences(wanted, found).map(formatDifference);

/** The differences of pendingDifferences as lines for people: `path: running -> after the next start`. */
export const pendingChanges = (stored: string, live: string): string[] =>
  pendingDifferences(stored, live).map(formatDifference);
