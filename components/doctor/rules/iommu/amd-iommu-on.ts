import { parseCmdline } from "../../../facts/cmdline.ts";
import type { Rule } from "../../rule.ts";

export const amdIommuOn = {
  id: "amd-iommu-on",
  title: "The kernel does not know amd_iommu=on",
  looksAt: "the kernel command line",
  explanation:
    "AMD's IOMMU is on by default. The kernel reports “Unknown option - 'on'” and continues. The argument is harmless.",
  remedy: "nothing has to be done; the argument can be removed",
  source: "Linux: drivers/iommu/amd/init.c, parse_amd_iommu_options",
  find: ({ facts }) =>
    parseCmdline(facts.cmdline).includes("amd_iommu=on")
      ? [
          {
            subject: "amd_iommu=on",
            verdict: "expected" as const,
            found: `it changes nothing: the IOMMU ${facts.iommu.groups > 0 ? "is on by itself" : "is not on"}`,
          },
        ]
      : [],
} as const satisfies Rule;
