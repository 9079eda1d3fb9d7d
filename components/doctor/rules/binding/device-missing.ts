import type { Rule } from "../../rule.ts";

export const deviceMissing = {
  id: "device-missing",
  title: "A domain names a device that the host does not have",
  looksAt: "addresses in domains, compared with the host's PCI devices",
  explanation:
    "PCI bus numbers are assigned at every boot. A new card, a firmware update or a changed setting can move every device behind it. A definition with a bare address then names no device, or the wrong one.",
  remedy:
    "find the card's new address with vfio-fleet inspect and correct the definition; vfio-fleet checks vendor, device and subsystem at every boot",
  source: "QubesOS/qubes-issues#7792",
  find: ({ facts, domains }) =>
    domains.flatMap((domain) => {
      const gone = domain.hostdevs.filter(
        ({ address }) => !facts.pci.some((device) => device.address === address),
      );
      return gone.length === 0
        ? []
        : [
            {
              subject: domain.name,
              verdict: "fault" as const,
              found: `no device at ${gone.map(({ address }) => address).join(", ")}`,
            },
          ];
    }),
} as const satisfies Rule;
