import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const guestRootPort = {
  id: "guest-root-port",
  title: "The card sits in the guest where no real card does",
  looksAt: "guest addresses of cards on q35 machines",
  explanation:
    "On q35 a card on bus 0 is a part of the chipset, without a PCI Express link of its own. Drivers that set or read the link find none: less speed, power states that go wrong, with AMD's driver often no start at all.",
  remedy:
    "put the card behind a pcie-root-port of its own: leave its guest <address> out, and libvirt chooses one",
  source: "QEMU: docs/pcie.txt, 2.1 Root bus; libvirt: Domain XML format, controllers",
  find: ({ given }) =>
    given
      .filter(({ display, domain }) => display && domain.machine.includes("q35"))
      .flatMap((card) => {
        const at = card.hostdevs.find(({ address }) => address === card.display?.address)?.guestSlot;
        return at?.startsWith("00:") === true
          ? [
              {
                subject: subjectOf(card),
                verdict: "risk" as const,
                found: `it is at ${at} in the guest, on the root bus`,
              },
            ]
          : [];
      }),
} as const satisfies Rule;
