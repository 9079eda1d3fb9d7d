import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const hostDriverWon = {
  id: "host-driver-won",
  title: "A host driver has the card instead of vfio-pci",
  looksAt: "the drivers of functions in domains that are not managed by libvirt",
  explanation:
    "With managed='no' vfio-pci must have the card since the boot. A GPU driver in the initramfs, or an audio driver that loads first, can win the race. Then the guest cannot start.",
  remedy:
    "let vfio-fleet bind the card by address (its script runs before any driver loads), or set managed='yes'",
  source: "64kramsystem/vga-passthrough#15; ROCm/gpu-operator#417",
  find: ({ given }) =>
    given.flatMap((card) => {
      const lost = card.functions.filter(
        (device) =>
          device.driver !== "vfio-pci" &&
          card.hostdevs.some((hostdev) => hostdev.address === device.address && !hostdev.managed),
      );
      return lost.length === 0 || card.domain.running
        ? []
        : [
            {
              subject: subjectOf(card),
              verdict: "fault" as const,
              found: lost
                .map((device) => `${device.address} has the driver ${device.driver ?? "none"}`)
                .join(", "),
            },
          ];
    }),
} as const satisfies Rule;
