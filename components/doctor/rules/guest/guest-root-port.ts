import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const guestRootPort = {
  id: "guest-root-port",
  title: "In the guest the card is on the root bus, where no real card can be",
  looksAt: "guest addresses of cards on q35 machines",
  explanation:
    "On q35 a card on bus 0 looks like a part of the chipset, without its own PCI Express link. Drivers that set or read the link find none. Speed drops, power states go wrong, and AMD's driver often does not start.",
  remedy:
    "put the card behind its own pcie-root-port: leave its guest <address> out, and libvirt chooses one",
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
