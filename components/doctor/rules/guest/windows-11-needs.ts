import type { DomainView } from "../../../plan/domain/domain-view.ts";
import type { Rule } from "../../rule.ts";

const MEMORY_KIB = 4 * 1024 ** 2;

/** Setup needs firmware with Secure Boot. If libvirt chooses the firmware, this rule cannot tell. */
const lacksSecureBoot = ({ secureBoot, loader }: DomainView): boolean =>
  !secureBoot && loader !== undefined && !/secboot|\.ms\./i.test(loader);

export const windows11Needs = {
  id: "windows-11-needs",
  title: "Windows 11 setup refuses this domain",
  looksAt: "firmware, TPM, memory and processors of domains for Windows 11",
  explanation:
    "Setup needs UEFI with Secure Boot, a TPM 2.0, 4 GiB of memory and two processors. Otherwise it ends with “This PC can't run Windows 11”, without naming what is missing.",
  remedy:
    "use q35 with <os firmware='efi'>, Secure Boot and <tpm model='tpm-crb'> with the emulator swtpm; profile: windows-11 does all of it",
  source: "Microsoft: Windows 11 requirements; libvirt: Domain XML format, TPM device",
  find: ({ domains }) =>
    domains
      .filter(({ windows11 }) => windows11)
      .flatMap((domain) => {
        const missing = [
          ...(domain.uefi ? (lacksSecureBoot(domain) ? ["Secure Boot"] : []) : ["UEFI"]),
          ...(domain.tpm ? [] : ["a TPM"]),
          ...(domain.memoryKiB >= MEMORY_KIB ? [] : ["4 GiB of memory"]),
          ...(domain.vcpus >= 2 ? [] : ["a second processor"]),
        ];
        return missing.length === 0
          ? []
          : [
              {
                subject: domain.name,
                verdict: "risk" as const,
                found: `it lacks ${missing.join(", ")}`,
              },
            ];
      }),
} as const satisfies Rule;
