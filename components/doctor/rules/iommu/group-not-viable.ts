import { foreignMembers, isTolerated } from "../../../facts/iommu.ts";
import { subjectOf, qemuLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const groupNotViable = {
  id: "group-not-viable",
  title: "The card's IOMMU group is not viable",
  looksAt: "all members of the IOMMU groups of cards in domains, their drivers, QEMU's log",
  explanation:
    "An IOMMU group is the smallest unit that the hardware can isolate. VFIO opens a group only if every device in it, except bridges, has vfio-pci or no driver. Otherwise QEMU ends with “group N is not viable”.",
  remedy:
    "put the card into a slot with an IOMMU group of its own, or give the other devices to the same guest; vfio-fleet binds a card as a whole",
  source: "Linux: Documentation/driver-api/vfio.rst; kubevirt/kubevirt#6718; 64kramsystem/vga-passthrough#15",
  find: (patient) => {
    const found = patient.given.flatMap((card) => {
      const named = new Set<string>(card.domain.hostdevs.map(({ address }) => address));
      const others = [...foreignMembers(patient.facts, card.functions), ...card.left].filter(
        (device, index, all) =>
          !named.has(device.address) &&
          !isTolerated(patient.facts, device) &&
          card.functions.some((own) => own.iommuGroup === device.iommuGroup) &&
          all.indexOf(device) === index,
      );
      return others.length === 0
        ? []
        : [
            {
              subject: subjectOf(card),
              verdict: "fault" as const,
              found: `group ${card.functions[0]?.iommuGroup} also holds ${others
                .map((device) => `${device.address} (driver ${device.driver})`)
                .join(", ")}`,
            },
          ];
    });
    const said = patient.domains.flatMap((domain) =>
      qemuLines(patient, domain, /group \d+ is not viable/)
        .slice(-1)
        .map((line) => ({
          subject: domain.name,
          verdict: "fault" as const,
          found: `QEMU ended with “${/group \d+ is not viable/.exec(line)?.[0]}”`,
        })),
    );
    return found.length > 0 ? found : said;
  },
} as const satisfies Rule;
