import { createHash } from "node:crypto";
import type { PciAddress } from "../../../facts/pci.ts";
import { element, printXml, type XmlElement } from "./xml-tree.ts";

/** This project's namespace in a domain's <metadata>; the 1 is the format's version. */
export const METADATA_NAMESPACE = "urn:vfio-fleet:domain:1";
const PREFIX = "vfio-fleet";

/**
 * What tells a definition from another one, whoever reads it: the digest of everything but the machine's version
 * (which stays what it was when a definition is written anew) and this record itself.
 */
export const definitionDigest = (domain: XmlElement): string =>
  createHash("sha256").update(printXml(domain)).digest("hex").slice(0, 16);

/** What a definition of ours says about itself. */
interface DomainRecord {
  readonly stack: string;
  readonly host: string;
  readonly cards: readonly {
    readonly name: string;
    readonly place: number;
    readonly functions: readonly { readonly address: PciAddress }[];
  }[];
}

/** <metadata>: who owns the domain, and which cards it lists, for tools on the host and for later previews. */
export const metadataElement = (
  domain: DomainRecord,
  written: { readonly digest: string; readonly machine: string },
): XmlElement =>
  element("metadata", {}, [
    element(
      `${PREFIX}:domain`,
      { [`xmlns:${PREFIX}`]: METADATA_NAMESPACE, stack: domain.stack, host: domain.host, ...written },
      domain.cards.map((card) =>
        element(`${PREFIX}:card`, {
          name: card.name,
          place: card.place,
          functions: card.functions.map(({ address }) => address).join(" "),
        }),
      ),
    ),
  ]);
