import type { DomainContext, StoragePool } from "./context.ts";
import { cdromBus, installTargets, targetsOf } from "./disk-places.ts";
import { listed, repeated, type Report } from "./report.ts";
import type { NewVolume, ResolvedCdrom, ResolvedDisk, StorageSource } from "./resolved.ts";
import { diskBuses, type DiskBus, type DiskSpec } from "../spec/schema-disks.ts";
import type { DomainSpec } from "../spec/schema.ts";
import type { MachineFamily, ProfileSettings } from "../spec/settings.ts";
import { find } from "../document/xml-tree.ts";

interface Storage {
  readonly source: StorageSource;
  readonly format: "qcow2" | "raw";
  readonly volume: NewVolume | undefined;
}

const inPool = (pool: StoragePool, name: string): StorageSource => ({
  kind: pool.kind === "files" ? "file" : "block",
  path: `${pool.path}/${name}`,
});

const volumeStorage = (
  disk: Extract<DiskSpec, { type: "volume" | "existing-volume" }>,
  field: string,
  first: boolean,
  context: DomainContext,
  report: Report,
): Storage | undefined => {
  const pool = Object.hasOwn(context.pools, disk.pool) ? context.pools[disk.pool] : undefined;
  if (!pool) {
    report.add(
      `${field}.pool`,
      `there is no pool "${disk.pool}"; known: ${listed(Object.keys(context.pools))}`,
      "choose one of them, or describe the pool in the stack",
    );
    return undefined;
  }
  const format = disk.format ?? (pool.kind === "files" ? "qcow2" : "raw");
  if (format === "qcow2" && pool.kind === "devices")
    report.add(`${field}.format`, `pool "${disk.pool}" holds devices, which are raw`, "set format: raw");
  if (disk.type === "existing-volume") return { source: inPool(pool, disk.name), format, volume: undefined };
  if (disk.name === undefined && !first) {
    report.add(
      `${field}.name`,
      "only the first volume of a domain is named after it",
      "give this volume a name of its own, so that it keeps its data when the list changes",
    );
    return undefined;
  }
  const name =
    disk.name ??
    (pool.kind === "files" ? `${context.name}.${format === "qcow2" ? "qcow2" : "img"}` : context.name);
  const source = inPool(pool, name);
  return {
    source,
    format,
    volume: { pool: disk.pool, name, format, sizeGiB: disk.sizeGiB, path: source.path },
  };
};

const storageOf = (
  disk: DiskSpec,
  field: string,
  first: boolean,
  context: DomainContext,
  report: Report,
): Storage | undefined => {
  switch (disk.type) {
    case "volume":
    case "existing-volume":
      return volumeStorage(disk, field, first, context, report);
    case "file":
      return { source: { kind: "file", path: disk.path }, format: disk.format, volume: undefined };
    case "lvm":
    case "zvol":
    case "block":
      return { source: { kind: "block", path: disk.device }, format: "raw", volume: undefined };
  }
};

/** Gives targets: those that are asked for first, then the first free ones in order. */
const placer =
  (family: MachineFamily, taken: Set<string>) =>
  (bus: DiskBus): string | undefined => {
    const free = targetsOf(bus, family).find((target) => !taken.has(target));
    if (free !== undefined) taken.add(free);
    return free;
  };

const full = (bus: DiskBus, family: MachineFamily): string =>
  `${bus} has ${targetsOf(bus, family).length} places on ${family}, and all are taken`;

interface Media {
  readonly field: string;
  readonly path: string;
}

const installMedia = ({ install }: DomainSpec): readonly (Media | undefined)[] =>
  (["iso", "virtioIso", "autounattend"] as const).map((name) => {
    const medium = typeof install === "object" ? install[name] : undefined;
    return medium && { field: `install.${name}`, path: medium.path };
  });

/** Native I/O goes past the page cache, so it needs a mode that does too (QEMU: block/file-posix.c). */
const ioOf = (disk: DiskSpec, field: string, report: Report): NonNullable<DiskSpec["io"]> => {
  const direct = disk.cache === "none" || disk.cache === "directsync";
  if (disk.io === "native" && !direct)
    report.add(
      `${field}.io`,
      `native does not go with cache: ${disk.cache}`,
      "set cache: none, or leave io out",
    );
  return disk.io ?? (direct ? "native" : "threads");
};

const isBus = (text: string | undefined): text is DiskBus => diskBuses.some((bus) => bus === text);

/** The disks of a domain made by hand, at the targets they have. */
const adoptedDisks = (context: DomainContext, family: MachineFamily, report: Report): ResolvedDisk[] =>
  (context.existing?.disks ?? []).flatMap((element): ResolvedDisk[] => {
    const { dev: target = "", bus } = find(element, "target")?.attributes ?? {};
    if (!isBus(bus) || !targetsOf(bus, family).includes(target)) {
      report.add(
        "adopt",
        `disk ${target} on bus ${bus ?? "unknown"} has no place here`,
        "list the disks in the stack, with a bus and a target for each",
      );
      return [];
    }
    return [{ kind: "adopted", element, bus, target, bootOrder: undefined }];
  });

const ownDisks = (
  disks: readonly DiskSpec[],
  settings: ProfileSettings,
  family: MachineFamily,
  taken: Set<string>,
  context: DomainContext,
  report: Report,
): { readonly disks: ResolvedDisk[]; readonly volumes: NewVolume[] } => {
  const place = placer(family, taken);
  const volumes: NewVolume[] = [];
  const firstVolume = disks.findIndex((disk) => disk.type === "volume");
  let virtio = 0;
  const resolved = disks.flatMap((disk, index): ResolvedDisk[] => {
    const field = `disks.${index}`;
    const bus = disk.bus ?? settings.diskBus;
    const asked = disk.target;
    if (asked !== undefined && !targetsOf(bus, family).includes(asked))
      report.add(
        `${field}.target`,
        `${asked} is no place of bus ${bus} on ${family}`,
        `choose among ${listed(targetsOf(bus, family))}`,
      );
    const target = asked ?? place(bus);
    if (target === undefined) report.add(field, full(bus, family), "use another bus, such as scsi");
    const storage = storageOf(disk, field, index === firstVolume, context, report);
    const io = ioOf(disk, field, report);
    if (!storage || target === undefined) return [];
    if (storage.volume) volumes.push(storage.volume);
    const iothread =
      bus === "virtio" && settings.iothreads > 0 ? (virtio % settings.iothreads) + 1 : undefined;
    if (bus === "virtio") virtio += 1;
    const { cache, discard, serial } = disk;
    const { source, format } = storage;
    return [
      {
        kind: "own",
        bus,
        target,
        bootOrder: undefined,
        source,
        format,
        cache,
        io,
        discard,
        serial,
        iothread,
      },
    ];
  });
  return { disks: resolved, volumes };
};

export interface ResolvedStorage {
  readonly disks: readonly ResolvedDisk[];
  readonly cdroms: readonly ResolvedCdrom[];
  readonly volumes: readonly NewVolume[];
}

export const resolveDisks = (
  spec: DomainSpec,
  settings: ProfileSettings,
  family: MachineFamily,
  context: DomainContext,
  report: Report,
): ResolvedStorage => {
  const asked = (spec.disks ?? []).flatMap((disk) => disk.target ?? []);
  for (const target of repeated(asked))
    report.add(
      "disks",
      `${target} is the target of more than one disk`,
      "give each disk a target of its own",
    );
  const media = installMedia(spec);
  const bus = cdromBus(family);
  const reserved = installTargets(family).filter((_, index) => media[index] !== undefined);
  const taken = new Set([...asked, ...reserved]);
  for (const target of asked.filter((name) => reserved.includes(name)))
    report.add(
      "disks",
      `${target} is the place of an installation medium`,
      "choose another target for the disk",
    );
  const adopting = spec.adopt && spec.disks === undefined;
  const adopted = adopting ? adoptedDisks(context, family, report) : [];
  for (const { target } of adopted) taken.add(target);
  if (spec.disks === undefined && (!adopting || !context.existing))
    report.add(
      "disks",
      adopting ? "the host has no domain of this name to take the disks from" : "no disks are given",
      "list them; [] for a domain without any",
    );
  const own = ownDisks(spec.disks ?? [], settings, family, taken, context, report);
  const all = [...adopted, ...own.disks];
  for (const path of repeated(all.flatMap((disk) => (disk.kind === "own" ? disk.source.path : []))))
    report.add(
      "disks",
      `${path} is listed more than once`,
      "list each disk once; two writers destroy its data",
    );
  const place = placer(family, taken);
  const drives = spec.cdroms.flatMap((given, index): ResolvedCdrom[] => {
    const target = place(bus);
    if (target === undefined) {
      report.add(`cdroms.${index}`, full(bus, family), "take a drive out");
      return [];
    }
    return [{ bus, target, bootOrder: undefined, path: given === "empty" ? undefined : given.path }];
  });
  const installing = media[0] !== undefined;
  return {
    // the installation medium first; Windows asks for a key there, and goes on to the disk without one
    disks: all.map((disk, index) =>
      index === 0 ? Object.assign({}, disk, { bootOrder: installing ? 2 : 1 }) : disk,
    ),
    cdroms: [
      ...drives,
      ...media.flatMap((medium, index): ResolvedCdrom[] => {
        const target = installTargets(family)[index];
        return medium && target !== undefined
          ? [{ bus, target, bootOrder: index === 0 ? 1 : undefined, path: medium.path }]
          : [];
      }),
    ],
    volumes: own.volumes,
  };
};
