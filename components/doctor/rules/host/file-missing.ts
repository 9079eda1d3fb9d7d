import type { Rule } from "../../rule.ts";

export const fileMissing = {
  id: "file-missing",
  title: "A domain names a file that does not exist",
  looksAt: "disks, ROM files and firmware in the definitions of domains",
  explanation:
    "The domain does not start. Upgrades move or drop firmware files (Debian dropped its 2 MiB OVMF images), disks are renamed, and pools are not mounted.",
  remedy:
    "restore the file or correct the definition; vfio-fleet asks libvirt for firmware by its features and records the file",
  source: "ublue-os/bazzite#5857",
  needs: ["paths"],
  find: ({ domains, survey }) =>
    domains.flatMap((domain) => {
      const gone = [...new Set(domain.paths)].filter((path) => survey.paths?.[path] === false);
      return gone.length === 0
        ? []
        : [{ subject: domain.name, verdict: "fault" as const, found: `missing: ${gone.join(", ")}` }];
    }),
} as const satisfies Rule;
