import type { Problem } from "../../../facts/problem.ts";
import { inHugepagesMiB, pageMiB, type HostResources } from "./context.ts";
import type { ResolvedDomain } from "./resolved.ts";
import { hugepageSizes } from "../spec/schema.ts";
import { formatMiB } from "../spec/size.ts";

/** Whether a domain is to run without anybody starting it by hand. */
const isToRun = ({ lifecycle }: ResolvedDomain): boolean =>
  lifecycle.state === "running" || lifecycle.autostart;

const why = ({ lifecycle }: ResolvedDomain): string =>
  lifecycle.state === "running" ? "state: running" : "autostart: true";

interface Claim {
  readonly field: string;
  /** what only one domain may have */
  readonly thing: string;
  readonly remedy: string;
}

/** What a domain needs for itself while it runs. */
const runtimeClaims = (domain: ResolvedDomain): Claim[] => [
  ...domain.cards.map(({ name, functions }) => ({
    field: "gpus",
    thing: `card ${name} (${functions[0]?.address ?? "no function"})`,
    remedy:
      "a card belongs to one running domain at a time: leave one of the two unmanaged and without autostart",
  })),
  ...domain.disks.flatMap((disk) =>
    disk.kind === "own"
      ? [
          {
            field: "disks",
            thing: disk.source.path,
            remedy: "two writers destroy a disk's data: give each domain its own",
          },
        ]
      : [],
  ),
  ...(domain.graphics.type === "vnc" && domain.graphics.port !== "auto"
    ? [
        {
          field: "graphics.port",
          thing: `port ${domain.graphics.port}`,
          remedy: "choose another port, or auto",
        },
      ]
    : []),
  ...domain.usb.devices.map(({ id }) => ({
    field: "usb.devices",
    thing: `USB device ${id}`,
    remedy: "leave it to one of the two",
  })),
  ...domain.evdev.map(({ device }) => ({
    field: "evdev",
    thing: device,
    remedy: "leave it to one of the two",
  })),
  ...(domain.lookingGlass
    ? [
        {
          field: "lookingGlass.name",
          thing: `/dev/shm/${domain.lookingGlass.name}`,
          remedy: "give each domain a name of its own",
        },
      ]
    : []),
];

/** What no two definitions may share, running or not. */
const lastingClaims = (domain: ResolvedDomain): Claim[] => [
  { field: "firmware.nvram", thing: domain.firmware.nvram, remedy: "give each domain its own NVRAM file" },
  ...domain.interfaces.flatMap((one) =>
    one.kind === "own"
      ? [{ field: "networks", thing: `MAC address ${one.mac}`, remedy: "give each interface its own" }]
      : [],
  ),
  ...domain.volumes.map(({ pool, name }) => ({
    field: "disks",
    thing: `volume ${name} of pool ${pool}`,
    remedy: "give each domain's volume a name of its own",
  })),
];

const clashes = (
  domains: readonly ResolvedDomain[],
  claimsOf: (domain: ResolvedDomain) => readonly Claim[],
  because: (first: ResolvedDomain, second: ResolvedDomain) => string,
): Problem[] => {
  const holders = new Map<string, ResolvedDomain>();
  return domains.flatMap((domain) =>
    claimsOf(domain).flatMap(({ field, thing, remedy }): Problem[] => {
      const holder = holders.get(thing);
      if (!holder) holders.set(thing, domain);
      return holder && holder !== domain
        ? [
            {
              path: `domains.${domain.name}.${field}`,
              problem: `${thing} is also listed by ${holder.name}${because(holder, domain)}`,
              remedy,
            },
          ]
        : [];
    }),
  );
};

const sumMiB = (domains: readonly ResolvedDomain[]): number =>
  domains.reduce((sum, domain) => sum + domain.memoryMiB, 0);

const tooMuch = (what: string, wanted: readonly ResolvedDomain[], has: string, remedy: string): Problem => {
  const names = wanted.map((domain) => `${domain.name} ${formatMiB(domain.memoryMiB)}`);
  return {
    path: "domains",
    problem: `the domains that are to run want ${formatMiB(sumMiB(wanted))} ${what}together (${names.join(", ")}), the host has ${has}`,
    remedy,
  };
};

/** Memory of a host that runs all of these at once: huge pages, and what is left beside them. */
const memoryConflicts = (running: readonly ResolvedDomain[], resources: HostResources): Problem[] => {
  const { memoryMiB, hugepages = {} } = resources;
  const pools = hugepageSizes.map((size) => ({
    size,
    reservedMiB: hugepages[size] === undefined ? undefined : hugepages[size] * pageMiB[size],
    takers: running.filter(({ hugepageKiB }) => hugepageKiB === pageMiB[size] * 1024),
  }));
  const inPages = inHugepagesMiB(resources);
  // huge pages of which nothing is known come out of the host's memory as everything else does
  const known = new Set(
    pools.flatMap(({ reservedMiB, takers }) => (reservedMiB === undefined ? [] : takers)),
  );
  const ordinary = running.filter((domain) => !known.has(domain));
  return [
    // one alone is judged with its own field
    ...(ordinary.length > 1 && sumMiB(ordinary) >= memoryMiB - inPages
      ? [
          tooMuch(
            "",
            ordinary,
            `${formatMiB(memoryMiB)}${inPages > 0 ? `, of which ${formatMiB(inPages)} are set aside in huge pages` : ""}`,
            "lower their memory, or let fewer of them run by themselves",
          ),
        ]
      : []),
    ...pools.flatMap(({ size, reservedMiB, takers }) =>
      reservedMiB !== undefined && takers.length > 1 && sumMiB(takers) > reservedMiB
        ? [
            tooMuch(
              `in pages of ${size} `,
              takers,
              `reserved ${formatMiB(reservedMiB)}`,
              "reserve more (kernel.hugepages), lower their memory, or let fewer of them run by themselves",
            ),
          ]
        : [],
    ),
  ];
};

/**
 * What the domains of one host cannot have at once. Cards, disks and ports may be listed by many, as long as at
 * most one of them is to run by itself; a lock on the host keeps the others apart at run time.
 */
export const domainConflicts = (domains: readonly ResolvedDomain[], resources: HostResources): Problem[] => {
  const running = domains.filter(isToRun);
  return [
    ...clashes(domains, lastingClaims, () => ""),
    ...clashes(
      running,
      runtimeClaims,
      (first, second) => `, and both are to run (${first.name} ${why(first)}, ${second.name} ${why(second)})`,
    ),
    ...memoryConflicts(running, resources),
  ];
};
