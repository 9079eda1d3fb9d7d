import type { Facts, PciDevice } from "../../facts/facts.ts";
import { isBridge } from "../../facts/pci.ts";
import { receiptName } from "../step.ts";

/** Addresses in the function's IOMMU group but bridges, sorted, as the agent notes them when it proves (components/agent/boot.sh: group_of). */
const membersNow = (facts: Facts, device: PciDevice): string =>
  facts.pci
    .filter(
      (other) => other.iommuGroup !== null && other.iommuGroup === device.iommuGroup && !isBridge(other),
    )
    .map((other) => other.address)
    .sort()
    .join("+");

/** Groups that are not what the last proof showed: a kernel or firmware update groups devices anew. */
export const groupDrift = (facts: Facts, functions: readonly PciDevice[]): string[] => {
  const { groups, kernel } = facts.receipts[receiptName("prove")]?.notes ?? {};
  if (groups === undefined) return [];
  const proved = new Map(
    groups.split(" ").map((word): [string, string] => {
      const [address = "", members = ""] = word.split("=");
      return [address, members];
    }),
  );
  return functions.flatMap((device) => {
    const then = proved.get(device.address);
    const now = membersNow(facts, device);
    return then === undefined || device.iommuGroup === null || then === now
      ? []
      : [
          `${device.address}: its IOMMU group holds ${now.replaceAll("+", ", ")} on Linux ${facts.kernel}; on ${kernel ?? "another kernel"} it held ${then.replaceAll("+", ", ")}`,
        ];
  });
};
