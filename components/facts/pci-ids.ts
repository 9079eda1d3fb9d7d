/**
 * Names out of pci.ids, the list that pciutils and most distributions carry (https://pci-ids.ucw.cz): a vendor's line
 * starts at the margin, its devices' after one tab, their subsystems' after two; classes stand behind a `C`.
 */
export interface PciNames {
  /** `NVIDIA Corporation`; undefined when the list does not know it, as for all others */
  vendor(vendor: string): string | undefined;
  /** by `vendor:device`: `GP107 [GeForce GTX 1050]` */
  device(id: string): string | undefined;
  /** by six hex digits: `PCI bridge`, `VGA compatible controller`; programming interfaces have no say */
  class(pciClass: string): string | undefined;
}

/** The day that a list was made, as `2026.10.24`; texts compare like the days. Undefined for a text that is no such list. */
export const pciIdsVersion = (text: string): string | undefined =>
  /^#\s*Version:\s*(\d{4}\.\d{2}\.\d{2})\s*$/m.exec(text)?.[1];

/** Reads the list; 40,000 lines take some 20 ms, so callers do it when a name is wanted and only once. */
export const parsePciIds = (text: string): PciNames => {
  const names = new Map<string, string>();
  let outer = "";
  let inner = "";
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const subsystem = line.startsWith("\t\t");
    const match = /^(\t{0,2})(C )?([0-9a-f]{2,4}) {1,2}(.*)$/.exec(line);
    if (!match) continue;
    const [, tabs = "", isClass, id = "", name = ""] = match;
    if (tabs === "") {
      outer = isClass ? `C${id}` : id;
      names.set(outer, name);
    } else if (!subsystem) {
      inner = outer.startsWith("C") ? outer + id : `${outer}:${id}`;
      names.set(inner, name);
    }
  }
  return {
    vendor: (vendor) => names.get(vendor),
    device: (id) => names.get(id),
    class: (pciClass) => names.get(`C${pciClass.slice(0, 4)}`) ?? names.get(`C${pciClass.slice(0, 2)}`),
  };
};

/** For machines without the list: ids stay ids, and the makers of GPUs are known all the same. */
export const NO_NAMES: PciNames = {
  vendor: (vendor) => ({ "10de": "NVIDIA", "1002": "AMD", "8086": "Intel" })[vendor],
  device: () => undefined,
  class: () => undefined,
};

/** The maker in one or two words: what the list says, without the company's legal form. */
const maker = (name: string): string =>
  name.startsWith("Advanced Micro Devices")
    ? "AMD"
    : name.replace(
        /,? (Inc|Corporation|Corp|Co|Ltd|Limited|Technology|Technologies|Semiconductor|Electronics)\b.*$/,
        "",
      );

/** `NVIDIA GeForce GTX 1050`: the trade name in brackets where there is one; the id where nothing is known. */
export const deviceName = (names: PciNames, id: string): string => {
  const vendor = names.vendor(id.slice(0, 4));
  const device = names.device(id);
  if (vendor === undefined || device === undefined)
    return vendor === undefined ? id : `${maker(vendor)} ${id}`;
  const trade = /\[([^\]]+)\]\s*$/.exec(device)?.[1] ?? device;
  return trade.startsWith(maker(vendor)) ? trade : `${maker(vendor)} ${trade}`;
};
