import type { Problem } from "../problem.ts";
import type { ResolvedDomain } from "./resolved.ts";
import { formatMiB } from "./size.ts";

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

/**
 * What the domains of one host cannot have at once. Cards, disks and ports may be listed by many, as long as at
 * most one of them is to run by itself; a lock on the host keeps the others apart at run time.
 * @param memoryMiB the host's memory
 */
export const domainConflicts = (domains: readonly ResolvedDomain[], memoryMiB: number): Problem[] => {
  const running = domains.filter(isToRun);
  const wanted = running.reduce((sum, domain) => sum + domain.memoryMiB, 0);
  const names = running.map((domain) => `${domain.name} ${formatMiB(domain.memoryMiB)}`);
  return [
    ...clashes(domains, lastingClaims, () => ""),
    ...clashes(
      running,
      runtimeClaims,
      (first, second) => `, and both are to run (${first.name} ${why(first)}, ${second.name} ${why(second)})`,
    ),
    ...(running.length > 1 && wanted >= memoryMiB
      ? [
          {
            path: "domains",
            problem: `the domains that are to run want ${formatMiB(wanted)} together (${names.join(", ")}), the host has ${formatMiB(memoryMiB)}`,
            remedy: "lower their memory, or let fewer of them run by themselves",
          },
        ]
      : []),
  ];
};
