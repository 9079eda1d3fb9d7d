import { cardUsers } from "../../../plan/cards/card-users.ts";
import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const unbindWhileHeld = {
  id: "unbind-while-held",
  title: "Starting the domain would take the card from running programs",
  looksAt: "managed='yes' devices, their drivers, the processes that hold them",
  explanation:
    "With managed='yes' libvirt unbinds the card from its driver when the domain starts. NVIDIA's driver then waits, without a limit, for every program that has the card open. The waiting kernel thread cannot be killed.",
  remedy: "end those programs first, or bind the card to vfio-pci at boot, as vfio-fleet does",
  source: "NVIDIA/open-gpu-kernel-modules#1119, #1374",
  find: ({ facts, given }) =>
    given.flatMap((card) => {
      const managed = card.functions.filter((device) =>
        card.hostdevs.some((hostdev) => hostdev.address === device.address && hostdev.managed),
      );
      const holders = cardUsers(facts, managed).filter(({ kind }) => kind === "process");
      return card.domain.running || holders.length === 0
        ? []
        : [
            {
              subject: subjectOf(card),
              verdict: "fault" as const,
              found: `held by ${holders.map(({ name }) => name).join(", ")}`,
            },
          ];
    }),
} as const satisfies Rule;
