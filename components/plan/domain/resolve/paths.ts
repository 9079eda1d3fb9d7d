import type { PathKind, StoragePool } from "./context.ts";
import type { DomainSpec } from "../spec/schema.ts";

/** A path that a domain needs on its host, and what has to stand there. */
export interface PathNeed {
  /** the field that names it, such as `install.iso` */
  readonly field: string;
  readonly path: string;
  readonly kind: Exclude<PathKind, "absent">;
  readonly sha256?: string;
}

const kindNames: Readonly<Record<PathKind, string>> = {
  iso: "an ISO image",
  file: "a file",
  block: "a block device",
  character: "a character device",
  directory: "a folder",
  absent: "nothing there",
};
export const describePathKind = (kind: PathKind): string => kindNames[kind];

/** An ISO is a file too. */
export const fitsPath = (found: PathKind, wanted: PathKind): boolean =>
  found === wanted || (wanted === "file" && found === "iso");

type Pools = Readonly<Record<string, StoragePool>>;

const diskNeeds = (spec: DomainSpec, pools: Pools): PathNeed[] =>
  (spec.disks ?? []).flatMap((disk, index): PathNeed[] => {
    switch (disk.type) {
      case "file":
        return [{ field: `disks.${index}.path`, path: disk.path, kind: "file" }];
      case "lvm":
      case "zvol":
      case "block":
        return [{ field: `disks.${index}.device`, path: disk.device, kind: "block" }];
      case "existing-volume": {
        const pool = Object.hasOwn(pools, disk.pool) ? pools[disk.pool] : undefined;
        return pool
          ? [
              {
                field: `disks.${index}.name`,
                path: `${pool.path}/${disk.name}`,
                kind: pool.kind === "files" ? "file" : "block",
              },
            ]
          : [];
      }
      // the stack makes it
      case "volume":
        return [];
    }
  });

const mediaNeeds = (spec: DomainSpec): PathNeed[] => {
  const media = [
    ...spec.cdroms.flatMap((given, index) =>
      given === "empty" ? [] : [{ field: `cdroms.${index}`, given }],
    ),
    ...(["iso", "virtioIso", "autounattend"] as const).flatMap((name) => {
      const given = typeof spec.install === "object" ? spec.install[name] : undefined;
      return given ? [{ field: `install.${name}`, given }] : [];
    }),
  ];
  return media.map(({ field, given }) => ({
    field,
    path: given.path,
    // an autounattend image may be made by any tool; QEMU takes it as it is
    kind: field === "install.autounattend" ? "file" : "iso",
    ...("sha256" in given && given.sha256 !== undefined && { sha256: given.sha256 }),
  }));
};

/** Every path of the host that a domain names; the probe looks at them so that a missing one shows in the preview. */
export const pathsToProbe = (spec: DomainSpec, pools: Pools): PathNeed[] => {
  const { firmware } = spec;
  return [
    ...(firmware?.code === undefined
      ? []
      : [{ field: "firmware.code", path: firmware.code, kind: "file" } as const]),
    ...(firmware?.vars === undefined
      ? []
      : [{ field: "firmware.vars", path: firmware.vars, kind: "file" } as const]),
    ...diskNeeds(spec, pools),
    ...mediaNeeds(spec),
    ...spec.evdev.map(
      ({ device }, index) => ({ field: `evdev.${index}.device`, path: device, kind: "character" }) as const,
    ),
    ...spec.sharedFolders.map(
      ({ source }, index) =>
        ({ field: `sharedFolders.${index}.source`, path: source, kind: "directory" }) as const,
    ),
  ];
};
