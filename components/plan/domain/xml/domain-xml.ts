import { definitionDigest, metadataElement } from "../document/metadata.ts";
import { applyPatch } from "../document/patch.ts";
import type { ResolvedDomain } from "../resolve/resolved.ts";
import { cpuElement, memoryElements, schedulingElements } from "./cpu.ts";
import { deviceElements } from "./devices.ts";
import { storageElements } from "./disks.ts";
import { hostdevElements } from "./hostdev.ts";
import { clockElement, featuresElement, osElement, powerElements } from "./os.ts";
import { element, find, isElement, printXml, type XmlElement } from "../document/xml-tree.ts";

const unpatched = (domain: ResolvedDomain): XmlElement =>
  element("domain", { type: domain.virtualization }, [
    element("name", {}, [domain.name]),
    element("uuid", {}, [domain.uuid]),
    ...memoryElements(domain),
    ...schedulingElements(domain),
    osElement(domain),
    featuresElement(domain),
    cpuElement(domain),
    clockElement(domain),
    ...powerElements(domain),
    element("devices", {}, [
      ...storageElements(domain),
      ...deviceElements(domain),
      ...hostdevElements(domain),
    ]),
  ]);

export type Patched =
  | { readonly ok: true; readonly root: XmlElement }
  | {
      readonly ok: false;
      readonly problems: readonly { readonly index: number; readonly problem: string }[];
    };

/** The definition with the user's patches in it; every patch that does not fit is named. */
export const patchedDomain = (domain: ResolvedDomain): Patched => {
  const problems: { index: number; problem: string }[] = [];
  let root = unpatched(domain);
  for (const [index, patch] of domain.patch.entries()) {
    const outcome = applyPatch(root, patch);
    if (outcome.ok) root = outcome.value;
    else problems.push({ index, problem: outcome.problem });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, root };
};

/**
 * The machine to write. A family's name means the newest version that QEMU has, so a definition written anew after
 * an upgrade of QEMU would change the guest's hardware. Therefore: as it was written before while nothing else
 * changes (the preview after an up is clean), and the version that libvirt has when something does.
 */
const machineFor = ({ machine }: ResolvedDomain, wanted: string, digest: string): string => {
  const { existing } = machine;
  if (!existing || wanted.startsWith("pc-")) return wanted;
  return existing.digest === digest && existing.written !== undefined ? existing.written : existing.version;
};

const withMachine = (domain: XmlElement, machine: string): XmlElement => ({
  ...domain,
  children: domain.children.map((child) =>
    isElement(child) && child.name === "os"
      ? {
          ...child,
          children: child.children.map((inner) =>
            isElement(inner) && inner.name === "type"
              ? { ...inner, attributes: { ...inner.attributes, machine } }
              : inner,
          ),
        }
      : child,
  ),
});

/** Metadata stands behind the UUID, where libvirt prints it. */
const withMetadata = (domain: XmlElement, metadata: XmlElement): XmlElement => ({
  ...domain,
  children: domain.children.flatMap((child) =>
    isElement(child) && child.name === "uuid" ? [child, metadata] : [child],
  ),
});

/**
 * The definition for `virsh define`: the same text for the same domain, every value escaped by the builder.
 * @throws {Error} when a patch does not fit; resolveDomain has said so before
 */
export const domainXml = (domain: ResolvedDomain): string => {
  const patched = patchedDomain(domain);
  if (!patched.ok)
    throw new Error(
      `${domain.name}: ${patched.problems.map(({ index, problem }) => `patch ${index}: ${problem}`).join("; ")}`,
    );
  const { root } = patched;
  const digest = definitionDigest(root);
  const wanted = find(root, "os", "type")?.attributes["machine"] ?? domain.machine.wanted;
  const machine = machineFor(domain, wanted, digest);
  return printXml(withMetadata(withMachine(root, machine), metadataElement(domain, { digest, machine })));
};
