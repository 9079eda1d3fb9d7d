import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NO_NAMES, parsePciIds, pciIdsVersion, type PciNames } from "../../components/facts/pci-ids.ts";

/** The project's own list (toolchain/update-pci-ids.sh): a distribution's is as old as its release. */
const OWN = fileURLToPath(new URL("pci.ids", import.meta.url));

/** Where distributions (and Homebrew's pciutils) keep the list; Debian's package is pci.ids, Fedora's and Arch's hwdata. */
const PLACES = [
  OWN,
  "/usr/share/misc/pci.ids",
  "/usr/share/hwdata/pci.ids",
  "/var/lib/pciutils/pci.ids",
  "/usr/local/share/pci.ids",
  "/opt/homebrew/share/pci.ids",
] as const;

/** The version stands in a list's first lines. */
const HEAD = 1024;

const versionAt = (path: string): string | undefined => {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    const head = Buffer.alloc(HEAD);
    return pciIdsVersion(head.toString("latin1", 0, readSync(file, head, 0, HEAD, 0)));
  } catch {
    // a folder can be opened, and not be read
    return undefined;
  } finally {
    closeSync(file);
  }
};

/** The newest of these lists by its own version; undefined where none is there. */
export const newestList = (paths: readonly string[]): string | undefined =>
  paths
    .flatMap((path) => {
      const version = versionAt(path);
      return version === undefined ? [] : [{ path, version }];
    })
    .sort((a, b) => (a.version < b.version ? 1 : a.version > b.version ? -1 : 0))[0]?.path;

let names: PciNames | undefined;

/** The names of the newest list that this machine has; read once, when the first name is wanted. */
export const pciNames = (): PciNames => {
  if (names) return names;
  const newest = newestList(PLACES);
  names = newest === undefined ? NO_NAMES : parsePciIds(readFileSync(newest, "utf8"));
  return names;
};
