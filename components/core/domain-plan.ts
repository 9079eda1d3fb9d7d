import type { StoragePool, DomainContext, HostCard } from "./domain/context.ts";
import { hostCard, hostResources } from "./domain/context.ts";
import { compareDomains } from "./domain/compare.ts";
import { readExistingDomain } from "./domain/existing.ts";
import { firmwareOf, firmwareOfPackage, firmwarePaths } from "./domain/firmware.ts";
import { pathsToProbe } from "./domain/paths.ts";
import { resolveDomain } from "./domain/resolve.ts";
import type { ResolvedDomain } from "./domain/resolved.ts";
import type { DomainSpec } from "./domain/schema.ts";
import { domainXml } from "./domain/xml.ts";
import { find, parseXml, textOf } from "./domain/xml-tree.ts";
import type { DistroDriver } from "./driver.ts";
import type { Facts } from "./facts.ts";
import type { CardSpec } from "./kernel-spec.ts";
import type { Checked, Problem } from "./problem.ts";
import { guestRom } from "./rom-plan.ts";
import { receiptName, type Step } from "./step.ts";
import type { StorageSpec } from "./storage-spec.ts";

export interface DomainsSpec {
  readonly cards: Readonly<Record<string, CardSpec>>;
  readonly storage: StorageSpec;
  readonly domains: Readonly<Record<string, DomainSpec>>;
}

/** One domain with everything decided: its steps, the definition to compare with what libvirt stores, its volumes. */
export interface DomainPlan {
  readonly domain: ResolvedDomain;
  readonly xml: string;
  readonly steps: readonly Step[];
}

const POOLS = "/etc/libvirt/storage/*.xml";

/** What has to be asked from a host so that its domains can be planned. */
export const domainQuestion = (
  spec: DomainsSpec,
): { readonly files: readonly string[]; readonly exists: readonly string[] } => ({
  files: Object.keys(spec.domains).length === 0 ? [] : [POOLS],
  exists:
    Object.keys(spec.domains).length === 0
      ? []
      : [
          ...firmwarePaths,
          "/usr/bin/swtpm",
          "/etc/libvirt/qemu/networks/*.xml",
          ...Object.values(spec.domains).flatMap((domain) =>
            pathsToProbe(domain, poolsOf(spec.storage)).map((need) => need.path),
          ),
        ],
});

const poolsOf = (storage: StorageSpec): Record<string, StoragePool> =>
  Object.fromEntries(
    Object.entries(storage.pools).map(([name, { path }]) => [name, { kind: "files" as const, path }]),
  );

/** Pools as libvirt keeps them on disk (libvirt: storage pool XML format). */
const hostPools = (facts: Facts): Record<string, StoragePool> =>
  Object.fromEntries(
    Object.entries(facts.files).flatMap(([path, file]) => {
      if (!path.startsWith("/etc/libvirt/storage/")) return [];
      const parsed = parseXml(file.content);
      if (!parsed.ok) return [];
      const name = textOf(find(parsed.root, "name"));
      const target = textOf(find(parsed.root, "target", "path"));
      const kind = ["logical", "zfs", "disk"].includes(parsed.root.attributes["type"] ?? "")
        ? "devices"
        : "files";
      return name !== undefined && target !== undefined ? [[name, { kind, path: target } as const]] : [];
    }),
  );

const contextFor = (
  name: string,
  spec: DomainsSpec,
  facts: Facts,
  distro: DistroDriver,
  where: { readonly stack: string; readonly host: string },
): DomainContext | readonly Problem[] => {
  const there = new Set(facts.exists);
  const found = firmwareOf(facts.exists);
  const xml = facts.libvirt.domains.find((domain) => domain.name === name)?.xml;
  const existing = xml === undefined ? undefined : readExistingDomain(xml);
  if (existing && !existing.ok) return existing.problems;
  const pools = { ...hostPools(facts), ...poolsOf(spec.storage) };
  const domain = spec.domains[name];
  const needs = domain ? pathsToProbe(domain, pools) : [];
  const cards: Record<string, HostCard> = Object.fromEntries(
    Object.entries(spec.cards).map(([card, { address, rom }]) => [
      card,
      hostCard(facts, address, { rom: guestRom(card, rom), boundAtBoot: true }),
    ]),
  );
  return {
    name,
    ...where,
    resources: hostResources(facts),
    firmware: found.length > 0 ? found : firmwareOfPackage(distro.firmwarePackage),
    swtpm: there.has("/usr/bin/swtpm") || distro.packages.includes("swtpm"),
    cards,
    pools,
    // whatever is there is looked at by libvirt itself; what is missing is said now
    paths: Object.fromEntries(
      needs.flatMap(({ path }) => (there.has(path) ? [] : [[path, "absent" as const]])),
    ),
    ...(existing && { existing: existing.value }),
  };
};

const running = (facts: Facts, name: string): boolean =>
  facts.libvirt.domains.some((domain) => domain.name === name && domain.running);

const lifecycleSteps = (domain: ResolvedDomain, facts: Facts): Step[] => {
  const { name, lifecycle } = domain;
  const { state, shutdownTimeoutSeconds: seconds, afterTimeout } = lifecycle;
  const after = [`domain ${name}`];
  if (state === "unmanaged") return [];
  const runs = running(facts, name);
  const receipt = facts.receipts[receiptName(`run ${name}`)];
  return [
    state === "running"
      ? {
          key: `run ${name}`,
          verb: "run",
          args: [name],
          after,
          so: runs,
          ...(receipt &&
            !runs && { drift: { kind: "state", found: `${name} is shut off`, wanted: "running" } }),
        }
      : {
          key: `run ${name}`,
          verb: "shutdown",
          args: [name, String(seconds), afterTimeout],
          after,
          so: !runs,
        },
  ];
};

const writtenDigest = (xml: string): string | undefined => {
  const read = readExistingDomain(xml);
  return read.ok ? read.value.owner?.digest : undefined;
};

const planDomain = (domain: ResolvedDomain, facts: Facts): DomainPlan => {
  const { name, lifecycle } = domain;
  const xml = domainXml(domain);
  const stored = facts.libvirt.domains.find((one) => one.name === name)?.xml;
  const differences = stored === undefined ? ["it is not defined"] : compareDomains(xml, stored);
  const key = `domain ${name}`;
  const so = differences.length === 0;
  // the digest that was written with the definition tells an edit on the host from a change of the stack
  const edited =
    !so &&
    facts.receipts[receiptName(key)] !== undefined &&
    (stored === undefined || writtenDigest(stored) === writtenDigest(xml));
  return {
    domain,
    xml,
    steps: [
      {
        key,
        verb: "domain",
        args: [name],
        input: xml,
        undo: ["undomain", name, String(lifecycle.shutdownTimeoutSeconds), lifecycle.afterTimeout],
        after: [],
        // libvirt's own form of the definition comes back, to be compared
        quiet: true,
        so,
        ...(edited && {
          drift: { kind: "state", found: differences.join("; "), wanted: "as the stack describes it" },
        }),
      },
      ...lifecycleSteps(domain, facts),
    ],
  };
};

/** Plans every domain of a host: all of them, or every problem at once. */
export const planDomains = (
  spec: DomainsSpec,
  facts: Facts,
  distro: DistroDriver,
  where: { readonly stack: string; readonly host: string },
): Checked<readonly DomainPlan[]> => {
  const results = Object.entries(spec.domains).map(([name, domain]): Checked<DomainPlan> => {
    const context = contextFor(name, spec, facts, distro, where);
    if (!("name" in context)) return { ok: false, problems: context };
    const resolved = resolveDomain(domain, context);
    return resolved.ok ? { ok: true, value: planDomain(resolved.value, facts) } : resolved;
  });
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, value: results.flatMap((result) => (result.ok ? [result.value] : [])) };
};
