import { assignCards, holderOf } from "./domain-cards.ts";
import { lifecycleOf } from "./domain-lifecycle.ts";
import { storageSteps } from "./domain-storage.ts";
import { domainViews } from "./domain-view.ts";
import { domainConflicts } from "./resolve/conflicts.ts";
import type { StoragePool, DomainContext, HostCard, HostResources, PathKind } from "./resolve/context.ts";
import { hostCard, hostResources } from "./resolve/context.ts";
import { readExistingDomain } from "./document/existing.ts";
import { firmwareOf } from "./resolve/firmware-images.ts";
import { pathsToProbe } from "./resolve/paths.ts";
import { resolveDomain } from "./resolve/resolve.ts";
import type { ResolvedDomain } from "./resolve/resolved.ts";
import type { DomainSpec } from "./spec/schema.ts";
import { settingsOf } from "./spec/settings.ts";
import { domainXml } from "./xml/domain-xml.ts";
import { find, parseXml, textOf } from "./document/xml-tree.ts";
import type { DistroDriver } from "../driver.ts";
import type { Facts } from "../../facts/facts.ts";
import type { CardSpec, KernelSpec } from "../kernel/kernel-spec.ts";
import type { Checked, Problem } from "../../facts/problem.ts";
import { guestRom } from "../rom/rom-plan.ts";
import type { Step } from "../step.ts";
import type { StorageSpec } from "../libvirt/storage-spec.ts";

export interface DomainsSpec {
  readonly cards: Readonly<Record<string, CardSpec>>;
  readonly storage: StorageSpec;
  readonly domains: Readonly<Record<string, DomainSpec>>;
  readonly kernel: Pick<KernelSpec, "hugepages" | "moduleOptions">;
}

/** One domain with everything decided: its steps, the definition to compare with what libvirt stores, its volumes. */
export interface DomainPlan {
  readonly domain: ResolvedDomain;
  readonly xml: string;
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
  /** what a running domain gets at its next start only, once the steps were taken */
  readonly pending: readonly string[];
}

/** Names of the stack and of the host in it. */
interface Where {
  readonly stack: string;
  readonly host: string;
}

const KVM_INTEL = "kvm_intel";
const POOLS = "/etc/libvirt/storage/*.xml";
const NETWORKS = "/etc/libvirt/qemu/networks/";

/** What has to be asked from a host so that its domains can be planned. */
export const domainQuestion = (
  spec: DomainsSpec,
): {
  readonly files: readonly string[];
  readonly exists: readonly string[];
  readonly look: readonly string[];
  readonly parameters: readonly string[];
} => ({
  files: Object.keys(spec.domains).length === 0 ? [] : [POOLS],
  exists: Object.keys(spec.domains).length === 0 ? [] : ["/usr/bin/swtpm_setup", `${NETWORKS}*.xml`],
  look: [
    ...new Set(
      Object.entries(spec.domains).flatMap(([name, domain]) => [
        ...pathsToProbe(domain, poolsOf(spec.storage)).map((need) => need.path),
        ...volumesToLookAt(name, domain, poolsOf(spec.storage)),
      ]),
    ),
  ],
  parameters: Object.values(spec.domains).some((domain) => {
    const wanted = settingsOf(domain).hyperv.enlightenments;
    return wanted === "host" || wanted.includes("evmcs");
  })
    ? [KVM_INTEL]
    : [],
});

/** Volumes by their paths where the stack makes the pool, and for the host to look up where it does not. */
const volumesToLookAt = (
  name: string,
  { disks = [] }: DomainSpec,
  pools: Readonly<Record<string, StoragePool>>,
): string[] =>
  disks.flatMap((disk) => {
    if (disk.type !== "volume" && disk.type !== "existing-volume") return [];
    const own = Object.hasOwn(pools, disk.pool) ? pools[disk.pool] : undefined;
    // the names that resolve-disks.ts gives the first volume, whichever pool it lies in
    const names = disk.name === undefined ? [`${name}.qcow2`, `${name}.img`, name] : [disk.name];
    return names.map((file) => (own ? `${own.path}/${file}` : `pool/${disk.pool}/${file}`));
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

/** Packages that the domains need beyond those of every passthrough host. */
export const domainPackages = (
  domains: Readonly<Record<string, DomainSpec>>,
  distro: DistroDriver,
  facts: Facts,
): readonly string[] => {
  const all = Object.values(domains);
  return [
    ...(all.some((domain) => settingsOf(domain).tpm !== "none") ? distro.tpmPackages : []),
    ...(all.some(({ sharedFolders }) => sharedFolders.some(({ type }) => type === "virtiofs"))
      ? distro.virtiofsPackages(facts)
      : []),
  ];
};

/** Networks that libvirt has, as far as its files tell; a host without libvirt gets the usual one with it. */
const hostNetworks = (facts: Facts): string[] | undefined => {
  const found = facts.exists.flatMap((path) =>
    path.startsWith(NETWORKS) ? [path.slice(NETWORKS.length).replace(/\.xml$/, "")] : [],
  );
  return facts.libvirt.socket ? found : undefined;
};

/** What stands at each path that the domain needs; nothing is said of paths that nobody has looked at. */
const lookedAt = (facts: Facts, paths: readonly string[]): Readonly<Record<string, PathKind>> | undefined => {
  const { looked } = facts;
  return looked && Object.fromEntries(paths.map((path) => [path, looked[path]?.kind ?? "absent"]));
};

/** Whether KVM lets guests run guests, once the stack's options are in effect (Linux: arch/x86/kvm/vmx/vmx.c, nested). */
const nesting = ({ kernel }: DomainsSpec, facts: Facts): boolean | undefined => {
  const value = kernel.moduleOptions[KVM_INTEL]?.["nested"] ?? facts.moduleParameters[KVM_INTEL]?.["nested"];
  return value === undefined ? undefined : /^[1yY]/.test(String(value));
};

/** With the huge pages that the stack itself has the host reserve; what else the host may have is not known. */
const resourcesOf = (spec: DomainsSpec, facts: Facts): HostResources => {
  const { hugepages } = spec.kernel;
  const nested = nesting(spec, facts);
  return {
    ...hostResources(facts),
    ...(nested !== undefined && { nested }),
    ...(hugepages && { hugepages: { [hugepages.size === "1G" ? "1 GiB" : "2 MiB"]: hugepages.count } }),
  };
};

/** Versions of what is installed, as its own project counts them. */
const packagedVersions = (facts: Facts, distro: DistroDriver): NonNullable<DomainContext["versions"]> => {
  const version = (names: readonly string[]): string | undefined => {
    const found = names.map((name) => facts.packages[name]).find((text) => typeof text === "string");
    return found === undefined ? undefined : distro.upstreamVersion(found);
  };
  const [libvirt, qemu] = [version(distro.versions.libvirt), version(distro.versions.QEMU)];
  return { ...(libvirt !== undefined && { libvirt }), ...(qemu !== undefined && { qemu }) };
};

const contextFor = (
  name: string,
  spec: DomainsSpec,
  facts: Facts,
  distro: DistroDriver,
  where: Where,
  assigned: readonly string[] | undefined,
): DomainContext | readonly Problem[] => {
  const { images, older = [] } = distro.firmware;
  const found = firmwareOf([...images, ...older], facts.exists);
  const xml = facts.libvirt.domains.find((domain) => domain.name === name)?.xml;
  const existing = xml === undefined ? undefined : readExistingDomain(xml);
  if (existing && !existing.ok) return existing.problems;
  const pools = { ...hostPools(facts), ...poolsOf(spec.storage) };
  const domain = spec.domains[name];
  const cards: Record<string, HostCard> = Object.fromEntries(
    Object.entries(spec.cards).map(([card, { address, ids, rom, idle }]) => [
      card,
      hostCard(facts, address, { ids, rom: guestRom(card, rom), boundAtBoot: idle !== "host" }),
    ]),
  );
  const networks = hostNetworks(facts);
  const paths = lookedAt(facts, domain ? pathsToProbe(domain, pools).map(({ path }) => path) : []);
  return {
    name,
    ...where,
    resources: resourcesOf(spec, facts),
    versions: packagedVersions(facts, distro),
    firmware: found.length > 0 ? found : images,
    swtpm: facts.exists.includes("/usr/bin/swtpm_setup") || distro.tpmPackages.length > 0,
    cards,
    pools,
    ...(networks && { networks }),
    ...(paths && { paths }),
    ...(assigned && { assigned }),
    ...(existing && { existing: existing.value }),
  };
};

/** What a domain that this run is to start would find taken by running ones that the stack does not stop before it. */
const takenProblems = (domain: ResolvedDomain, spec: DomainsSpec, facts: Facts): Problem[] => {
  const { name, lifecycle } = domain;
  const runs = facts.libvirt.domains.some((one) => one.name === name && one.running);
  if (lifecycle.state !== "running" || runs) return [];
  const stays = (other: string): boolean => other !== name && spec.domains[other]?.state !== "stopped";
  const cards = domain.cards.flatMap((card): Problem[] => {
    const listed = spec.cards[card.name];
    const holder = listed && holderOf(facts, listed);
    return holder !== undefined && stays(holder)
      ? [
          {
            path: `domains.${name}.gpus`,
            problem: `${name} is to run with card ${card.name}, which the running domain ${holder} has`,
            remedy: `shut ${holder} down first (vfio-fleet gpu release ${card.name}), or set ${name}'s state: unmanaged and move the card with vfio-fleet gpu switch`,
          },
        ]
      : [];
  });
  const others = domainViews(facts).filter((view) => view.running && stays(view.name));
  const disks = domain.disks.flatMap((disk): Problem[] => {
    const path = disk.kind === "own" ? disk.source.path : undefined;
    const user = path === undefined ? undefined : others.find((view) => view.paths.includes(path));
    return user
      ? [
          {
            path: `domains.${name}.disks`,
            problem: `${path} is in use by the running domain ${user.name}: two writers destroy a disk's data`,
            remedy: `shut ${user.name} down first, or give ${name} a disk of its own`,
          },
        ]
      : [];
  });
  return [...cards, ...disks];
};

const planDomain = (domain: ResolvedDomain, facts: Facts): Checked<DomainPlan> => {
  const storage = storageSteps(domain, facts);
  if (storage.problems.length > 0) return { ok: false, problems: storage.problems };
  const xml = domainXml(domain);
  const { steps, warnings, pending } = lifecycleOf(
    domain,
    xml,
    facts,
    storage.steps.map(({ key }) => key),
  );
  return { ok: true, value: { domain, xml, steps: [...storage.steps, ...steps], warnings, pending } };
};

const resolveOne = (
  name: string,
  domain: DomainSpec,
  spec: DomainsSpec,
  facts: Facts,
  distro: DistroDriver,
  where: Where,
  assigned: readonly string[] | undefined,
): Checked<ResolvedDomain> => {
  const context = contextFor(name, spec, facts, distro, where, assigned);
  return "name" in context ? resolveDomain(domain, context) : { ok: false, problems: context };
};

/** The definition of one domain that takes any cards, with these. */
export const definitionWith = (
  name: string,
  cards: readonly string[],
  spec: DomainsSpec,
  facts: Facts,
  distro: DistroDriver,
  where: Where,
): Checked<string> => {
  const domain = spec.domains[name];
  if (!domain) throw new Error(`no domain ${name} in the stack`);
  const resolved = resolveOne(name, domain, spec, facts, distro, where, cards);
  return resolved.ok ? { ok: true, value: domainXml(resolved.value) } : resolved;
};

/** Plans every domain of a host: all of them, or every problem at once. */
export const planDomains = (
  spec: DomainsSpec,
  facts: Facts,
  distro: DistroDriver,
  where: Where,
): Checked<readonly DomainPlan[]> => {
  const assigned = assignCards(spec.cards, spec.domains, facts);
  const problems: Problem[] = [];
  const resolved = Object.entries(spec.domains).flatMap(([name, domain]): ResolvedDomain[] => {
    const result = resolveOne(name, domain, spec, facts, distro, where, assigned[name]);
    if (result.ok) return [result.value];
    problems.push(...result.problems);
    return [];
  });
  problems.push(...domainConflicts(resolved, resourcesOf(spec, facts)));
  for (const domain of resolved) problems.push(...takenProblems(domain, spec, facts));
  const plans = resolved.flatMap((domain): DomainPlan[] => {
    const plan = planDomain(domain, facts);
    if (plan.ok) return [plan.value];
    problems.push(...plan.problems);
    return [];
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: plans };
};
