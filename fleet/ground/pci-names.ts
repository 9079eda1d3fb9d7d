import { readFileSync, statSync } from "node:fs";
import { NO_NAMES, parsePciIds, type PciNames } from "../../components/facts/pci-ids.ts";

/** Where distributions (and Homebrew's pciutils) keep the list; Debian's package is pci.ids, Fedora's and Arch's hwdata. */
const PLACES = [
  "/usr/share/misc/pci.ids",
  "/usr/share/hwdata/pci.ids",
  "/var/lib/pciutils/pci.ids",
  "/usr/local/share/pci.ids",
  "/opt/homebrew/share/pci.ids",
] as const;

let names: PciNames | undefined;

/** The names that this machine knows, from the newest list it has; read once, when the first name is wanted. */
export const pciNames = (): PciNames => {
  if (names) return names;
  const [newest] = PLACES.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFile() ? [{ path, changed: found.mtimeMs }] : [];
  }).sort((a, b) => b.changed - a.changed);
  names = newest ? parsePciIds(readFileSync(newest.path, "utf8")) : NO_NAMES;
  return names;
};
