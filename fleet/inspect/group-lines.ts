import type { Facts } from "../../components/facts/facts.ts";
import { deviceName, type PciNames } from "../../components/facts/pci-ids.ts";
import { isDisplay } from "../../components/facts/pci.ts";
import { shortAddress } from "../ground/format.ts";
import { formatColumns, type Paint, printable } from "../ground/terminal.ts";

/** All IOMMU groups, one line a device. Devices without a group come last. */
export const groupLines = (facts: Facts, names: PciNames, paint: Paint): string => {
  const devices = [...facts.pci].sort(
    (a, b) =>
      (a.iommuGroup ?? Number.POSITIVE_INFINITY) - (b.iommuGroup ?? Number.POSITIVE_INFINITY) ||
      a.address.localeCompare(b.address),
  );
  let last: number | null | undefined;
  const rows = devices.map((device) => {
    const group = device.iommuGroup === last ? "" : String(device.iommuGroup ?? "-");
    last = device.iommuGroup;
    const kind = names.class(device.class) ?? `class ${device.class}`;
    const cells = [
      group,
      shortAddress(device.address),
      device.id,
      device.driver ?? "-",
      kind,
      deviceName(names, device.id),
    ].map(printable);
    return isDisplay(device) ? cells.map((cell) => paint("cyan", cell)) : cells;
  });
  return formatColumns(["Group", "Address", "Id", "Driver", "Class", "Device"], rows, paint);
};
