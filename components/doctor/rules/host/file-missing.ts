import type { Rule } from "../../rule.ts";

export const fileMissing = {
  id: "file-missing",
  title: "A file that a domain names is not there",
  looksAt: "disks, ROM files and firmware in the definitions of domains",
  explanation:
    "An upgrade moves or drops firmware files (Debian's 2 MiB OVMF images are gone), a disk is renamed, a pool is not mounted. The domain does not start.",
  remedy:
    "put the file back or correct the definition; vfio-fleet asks libvirt for firmware by its features and records the file",
  source: "ublue-os/bazzite#5857",
  needs: ["paths"],
  find: ({ domains, survey }) =>
    domains.flatMap((domain) => {
      const gone = [...new Set(domain.paths)].filter((path) => survey.paths?.[path] === false);
      return gone.length === 0
        ? []
        : [{ subject: domain.name, verdict: "fault" as const, found: `not there: ${gone.join(", ")}` }];
    }),
} as const satisfies Rule;
