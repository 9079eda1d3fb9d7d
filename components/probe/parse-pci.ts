import type { PciDevice } from "../facts/facts.ts";
import { parsePciAddress, parsePciId } from "../facts/pci.ts";
import { addressesIn, hex, integer, type Values } from "./sections.ts";

const barsOf = (lines: readonly string[]): NonNullable<PciDevice["bars"]> =>
  // after the six BARs come the ROM and a bridge's windows
  lines.slice(0, 6).flatMap((line, index) => {
    const [start = 0n, end = 0n, flags = 0n] = line
      .split(" ")
      .map((field) => (/^0x[0-9a-f]+$/i.test(field) ? BigInt(field) : 0n));
    // IORESOURCE_MEM 0x200, IORESOURCE_PREFETCH 0x2000 (Linux: include/linux/ioport.h)
    if (end <= start || (flags & 0x200n) === 0n) return [];
    return [{ index, bytes: Number(end - start + 1n), prefetchable: (flags & 0x2000n) !== 0n }];
  });

/** Where the virtual functions of a function appear once they are made, and as what (Linux: Documentation/ABI/testing/sysfs-bus-pci). */
const sriovOf = (found: Readonly<Record<string, string>>, total: number): NonNullable<PciDevice["sriov"]> => {
  const [offset, stride] = [integer(found["sriov_offset"]), integer(found["sriov_stride"])];
  const device = found["sriov_vf_device"];
  return {
    total,
    active: integer(found["sriov_numvfs"]) ?? 0,
    ...(offset !== undefined && stride !== undefined && { offset, stride }),
    ...(device !== undefined && { device: hex(device) }),
  };
};

/** The functions below /sys/bus/pci, with driver and IOMMU group. */
export const pciDevices = (section: (name: string) => readonly string[], values: Values): PciDevice[] => {
  const attributes = new Map<string, Record<string, string>>();
  for (const [path, [value]] of values) {
    if (!path.includes("/bus/pci/devices/")) continue;
    const [address = "", name = ""] = path.split("/").slice(-2);
    const known = attributes.get(address) ?? {};
    attributes.set(address, known);
    if (value !== undefined) known[name] = value.trim();
  }
  const drivers = new Map(
    section("pci-drivers").map((path) => {
      const [driver = "", address = ""] = path.split("/").slice(-2);
      return [address, driver];
    }),
  );
  const groups = new Map(
    section("iommu-groups").map((path) => {
      const [group, , address = ""] = path.split("/").slice(-3);
      return [address, integer(group)];
    }),
  );
  // a device without any way to be reset has no such file (Linux 5.15); older kernels have it for none
  const knowsResets = [...attributes.values()].some((found) => found["reset_method"] !== undefined);
  return section("pci-paths").flatMap((line): PciDevice[] => {
    const [name = "", rom, path = ""] = line.split(" ");
    const found = attributes.get(name);
    const address = parsePciAddress(name);
    const id = parsePciId(`${hex(found?.["vendor"])}:${hex(found?.["device"])}`);
    const subsystem = parsePciId(`${hex(found?.["subsystem_vendor"])}:${hex(found?.["subsystem_device"])}`);
    if (!found || !address || !id || !subsystem) return [];
    const resource = values.get(`/sys/bus/pci/devices/${name}/resource`);
    const total = integer(found["sriov_totalvfs"]);
    return [
      {
        address,
        id,
        subsystem,
        class: hex(found["class"]).padStart(6, "0"),
        driver: drivers.get(name) ?? null,
        iommuGroup: groups.get(name) ?? null,
        bootVga: found["boot_vga"] === undefined ? null : found["boot_vga"] === "1",
        numaNode: integer(found["numa_node"]) ?? -1,
        hasRom: rom === "rom",
        parents: addressesIn(path).filter((parent) => parent !== address),
        ...(found["revision"] !== undefined && { revision: hex(found["revision"]) }),
        ...(knowsResets && {
          resetMethods: (found["reset_method"] ?? "").split(" ").filter((method) => method !== ""),
        }),
        ...(found["power_state"] !== undefined && { powerState: found["power_state"] }),
        ...(total !== undefined && { sriov: sriovOf(found, total) }),
        ...(resource && { bars: barsOf(resource) }),
      },
    ];
  });
};
