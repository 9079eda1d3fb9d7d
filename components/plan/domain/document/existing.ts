import type { Checked } from "../../../facts/problem.ts";
import { parsePciAddress, type PciAddress } from "../../../facts/pci.ts";
import { METADATA_NAMESPACE } from "./metadata.ts";
import { elementsOf, find, parseXml, textOf, type XmlElement } from "./xml-tree.ts";

/** What this project wrote into a domain's <metadata>: who owns the domain, and which cards it lists. */
interface DomainOwner {
  readonly stack: string;
  readonly host: string;
  /** of the definition as it was written, without machine version and metadata */
  readonly digest: string;
  /** the machine as it was written: a family's alias or a version */
  readonly machine: string;
  readonly cards: readonly {
    readonly name: string;
    /** place in the guest, from 0; see guest-pci.ts */
    readonly place: number;
    readonly functions: readonly PciAddress[];
  }[];
}

export type ExistingFirmware =
  | { readonly kind: "bios" }
  | {
      readonly kind: "uefi";
      readonly code: string | undefined;
      readonly vars: string | undefined;
      readonly nvram: string | undefined;
      readonly secureBoot: boolean;
    };

/** What has to survive when a definition that libvirt has is written anew. */
export interface ExistingDomain {
  readonly name: string;
  readonly uuid: string;
  readonly machine: string;
  readonly firmware: ExistingFirmware;
  /** <disk> elements of hard disks, without CD and floppy drives */
  readonly disks: readonly XmlElement[];
  readonly interfaces: readonly XmlElement[];
  /** the model of a TPM 2.0 that swtpm emulates; other: 1.2, the host's own, or with an encrypted state */
  readonly tpm: "none" | "tpm-crb" | "tpm-tis" | "other";
  /** host functions handed to the domain */
  readonly functions: readonly PciAddress[];
  /** undefined for a domain made by hand */
  readonly owner: DomainOwner | undefined;
}

const readFirmware = (os: XmlElement | undefined): ExistingFirmware => {
  const loader = find(os, "loader");
  const nvram = find(os, "nvram");
  if (os?.attributes["firmware"] !== "efi" && loader?.attributes["type"] !== "pflash")
    return { kind: "bios" };
  const feature = elementsOf(find(os, "firmware"), "feature").find(
    ({ attributes }) => attributes["name"] === "enrolled-keys",
  );
  return {
    kind: "uefi",
    code: textOf(loader) || undefined,
    vars: nvram?.attributes["template"],
    nvram: textOf(nvram) || undefined,
    secureBoot: loader?.attributes["secure"] === "yes" || feature?.attributes["enabled"] === "yes",
  };
};

const readTpm = (tpm: XmlElement | undefined): ExistingDomain["tpm"] => {
  if (!tpm) return "none";
  const backend = find(tpm, "backend");
  const { type, version = "2.0" } = backend?.attributes ?? {};
  const { model } = tpm.attributes;
  const known = type === "emulator" && version === "2.0" && !find(backend, "encryption");
  return known && (model === "tpm-crb" || model === "tpm-tis") ? model : "other";
};

/** The BDF address of a <hostdev>'s source. */
export const hostdevAddress = (hostdev: XmlElement): PciAddress | undefined => {
  const at = find(hostdev, "source", "address")?.attributes;
  if (!at) return undefined;
  const part = (name: string, width: number): string =>
    Number(at[name] ?? 0)
      .toString(16)
      .padStart(width, "0");
  return parsePciAddress(`${part("domain", 4)}:${part("bus", 2)}:${part("slot", 2)}.${part("function", 1)}`);
};

const readOwner = (domain: XmlElement): DomainOwner | undefined => {
  // libvirt keeps the prefix, but a person may have chosen another
  const own = elementsOf(find(domain, "metadata")).find(({ name, attributes }) => {
    const [prefix = ""] = name.includes(":") ? name.split(":") : [""];
    return attributes[prefix === "" ? "xmlns" : `xmlns:${prefix}`] === METADATA_NAMESPACE;
  });
  if (!own) return undefined;
  const { stack = "", host = "", digest = "", machine = "" } = own.attributes;
  return {
    stack,
    host,
    digest,
    machine,
    cards: elementsOf(own)
      .filter(({ name }) => name === "card" || name.endsWith(":card"))
      .map(({ attributes }) => ({
        name: attributes["name"] ?? "",
        place: Number(attributes["place"] ?? 0),
        functions: (attributes["functions"] ?? "").split(" ").flatMap((text) => parsePciAddress(text) ?? []),
      })),
  };
};

/** Reads a definition as `virsh dumpxml --inactive` prints it. */
export const readExistingDomain = (xml: string): Checked<ExistingDomain> => {
  const parsed = parseXml(xml);
  if (!parsed.ok || parsed.root.name !== "domain")
    return {
      ok: false,
      problems: [
        {
          path: "libvirt",
          problem: `a domain's definition cannot be read: ${parsed.ok ? `it is a <${parsed.root.name}>` : parsed.problem}`,
          remedy: "look at it with virsh dumpxml --inactive",
        },
      ],
    };
  const domain = parsed.root;
  const devices = find(domain, "devices");
  const os = find(domain, "os");
  return {
    ok: true,
    value: {
      name: textOf(find(domain, "name")) ?? "",
      uuid: textOf(find(domain, "uuid")) ?? "",
      machine: find(os, "type")?.attributes["machine"] ?? "",
      firmware: readFirmware(os),
      disks: elementsOf(devices, "disk").filter(({ attributes }) =>
        ["disk", "lun", undefined].includes(attributes["device"]),
      ),
      interfaces: elementsOf(devices, "interface"),
      tpm: readTpm(find(devices, "tpm")),
      functions: elementsOf(devices, "hostdev").flatMap((hostdev) =>
        hostdev.attributes["type"] === "pci" ? (hostdevAddress(hostdev) ?? []) : [],
      ),
      owner: readOwner(domain),
    },
  };
};
