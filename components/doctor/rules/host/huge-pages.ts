import type { Rule } from "../../rule.ts";

const DEFAULT_KIB = 2048;

export const hugePages = {
  id: "huge-pages",
  title: "Too few huge pages for a domain",
  looksAt: "memoryBacking of domains, the host's pools of huge pages",
  explanation:
    "A domain with <hugepages/> takes all its memory from a pool that has to exist before the start. A pool reserved at run time is often too small, because memory is fragmented. Pages of 1 GiB are rarely available after the boot.",
  remedy:
    "reserve them at boot: hugepagesz=1G hugepages=N (or 2M) in kernel.arguments; or remove <hugepages/>",
  source: "gpu-passthrough-tutorial#11; Linux: admin-guide/mm/hugetlbpage.rst",
  find: ({ domains, survey }) =>
    domains.flatMap((domain) => {
      if (domain.hugePageKiB === undefined) return [];
      const pageKiB = domain.hugePageKiB === 0 ? DEFAULT_KIB : domain.hugePageKiB;
      // Without a size the kernel's default counts, which the command line may set.
      const pools = survey.memory.hugePages.filter(
        (pool) => domain.hugePageKiB === 0 || pool.pageKiB === pageKiB,
      );
      const have = pools.reduce(
        (most, pool) => Math.max(most, pool.pageKiB * (domain.running ? pool.total : pool.free)),
        0,
      );
      return have >= domain.memoryKiB
        ? []
        : [
            {
              subject: domain.name,
              verdict: "fault" as const,
              found: `it needs ${Math.ceil(domain.memoryKiB / 1024)} MiB of huge pages, ${Math.floor(have / 1024)} MiB are ${domain.running ? "reserved" : "free"}`,
            },
          ];
    }),
} as const satisfies Rule;
