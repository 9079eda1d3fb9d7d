import { inHugepagesMiB, pageMiB, type DomainContext } from "./context.ts";
import type { Report } from "./report.ts";
import type { ResolvedDomain } from "./resolved.ts";
import type { DomainSpec } from "../spec/schema.ts";
import type { ProfileSettings } from "../spec/settings.ts";
import { formatMiB } from "../spec/size.ts";

export const resolveMemory = (
  spec: DomainSpec,
  settings: ProfileSettings,
  context: DomainContext,
  report: Report,
): Pick<ResolvedDomain, "memoryMiB" | "hugepageKiB" | "sharedMemory"> => {
  const { memory, hugepages } = settings;
  const host = context.resources.memoryMiB;
  if (memory >= host)
    report.add(
      "memory",
      `${formatMiB(memory)} is wanted, the host has ${formatMiB(host)}, of which it needs some itself`,
      "lower memory; with a card all of it is taken for as long as the domain runs",
    );
  else if (hugepages === "off" && memory >= host - inHugepagesMiB(context.resources))
    report.add(
      "memory",
      `${formatMiB(memory)} is wanted, the host has ${formatMiB(host)}, of which ${formatMiB(inHugepagesMiB(context.resources))} are set aside in huge pages`,
      "take the memory from them (hugepages), lower it, or reserve fewer (kernel.hugepages)",
    );
  if (hugepages !== "off") {
    const page = pageMiB[hugepages];
    if (memory % page !== 0)
      report.add(
        "hugepages",
        `${formatMiB(memory)} is no whole number of pages of ${hugepages}`,
        `set memory to a multiple of ${hugepages}`,
      );
    const reserved = context.resources.hugepages?.[hugepages];
    if (reserved !== undefined && reserved * page < memory)
      report.add(
        "hugepages",
        `${formatMiB(memory)} needs ${Math.ceil(memory / page)} pages of ${hugepages}, the host has reserved ${reserved}`,
        "reserve them at the host's boot: kernel arguments hugepagesz= and hugepages=",
      );
  }
  return {
    memoryMiB: memory,
    hugepageKiB: hugepages === "off" ? undefined : pageMiB[hugepages] * 1024,
    sharedMemory: spec.sharedFolders.some(({ type }) => type === "virtiofs"),
  };
};
