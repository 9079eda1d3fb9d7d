import { groupDrift } from "../../../plan/cards/group-drift.ts";
import type { Rule } from "../../rule.ts";

export const groupsChanged = {
  id: "groups-changed",
  title: "The IOMMU groups have changed since they were proved",
  looksAt: "the groups that the last pulumi up recorded after its boot, compared with the groups now",
  explanation:
    "The kernel forms the groups at every boot from what it knows of the chipset. A new kernel, a firmware update or another card may put more devices into a group. The guest then does not start, or gets more devices than intended.",
  remedy:
    "boot the kernel that was proved and keep it, or put the card into another slot; pulumi up proves the groups again",
  source: "harvester/harvester#10499; Linux: drivers/pci/quirks.c, pci_dev_specific_acs_enabled",
  find: ({ facts, cards }) =>
    cards.flatMap((card) =>
      groupDrift(facts, card.functions).map((found) => ({
        subject: `card ${card.address}`,
        verdict: "risk" as const,
        found,
      })),
    ),
} as const satisfies Rule;
