import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const romPatchedSecureBoot = {
  id: "rom-patched-secure-boot",
  title: "A ROM file in a guest with Secure Boot",
  looksAt: "Secure Boot and the ROM files of domains",
  explanation:
    "With Secure Boot, OVMF starts an option ROM's driver only if its signature is valid. Makers sign theirs, but an older ROM may have no signature, and a changed image loses it. The guest's screen then stays dark until its driver runs.",
  remedy: "use an unaltered, signed ROM, or switch Secure Boot off in the guest's firmware",
  source: "UEFI Specification 2.10, 32.5.3.3 (authorization of UEFI images)",
  find: ({ given }) =>
    given
      .filter(({ domain }) => domain.secureBoot)
      .flatMap((card) =>
        card.hostdevs.flatMap(({ romFile }) =>
          romFile === undefined
            ? []
            : [
                {
                  subject: subjectOf(card),
                  verdict: "risk" as const,
                  found: `${romFile} has to be signed, or the guest's firmware ignores it`,
                },
              ],
        ),
      ),
} as const satisfies Rule;
