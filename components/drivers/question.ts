import type { ProbeQuestion } from "../facts/question.ts";
import { firmwarePaths } from "../plan/domain/resolve/firmware-images.ts";
import { drivers } from "./registry.ts";

const { bootloader, initramfs, distro } = drivers;
const every = [...bootloader, ...initramfs, ...distro];
const unique = (list: readonly string[]): string[] => [...new Set(list)];

/** What all drivers ask of a host, as nobody knows before which of them it needs. */
export const driverQuestion = {
  files: unique([
    ...every.flatMap((driver) => driver.reads ?? []),
    ...bootloader.flatMap((driver) => driver.edits([]).map((edit) => edit.path)),
    ...initramfs.flatMap((driver) =>
      driver.files({ modules: [], files: [], rivals: [] }).map((file) => file.path),
    ),
  ]),
  excerpts: [
    ...new Map(
      every.flatMap((driver) => driver.excerpts ?? []).map((excerpt) => [excerpt.path, excerpt]),
    ).values(),
  ],
  exists: unique([
    ...every.flatMap((driver) => driver.looksFor ?? []),
    ...distro.flatMap(({ firmware: { images, older = [] } }) => firmwarePaths([...images, ...older])),
  ]),
  packages: unique([
    ...distro.flatMap((driver) => [
      ...driver.packages,
      ...driver.tpmPackages,
      ...driver.versions.libvirt,
      ...driver.versions.QEMU,
    ]),
    ...every.flatMap((driver) => driver.asksFor ?? []),
  ]),
  tools: unique(initramfs.flatMap((driver) => driver.tools)),
  images: {
    built: unique(initramfs.flatMap((driver) => driver.images.built)),
    trials: unique(initramfs.flatMap((driver) => driver.images.trials)),
  },
} satisfies Partial<ProbeQuestion>;

/** What they ask beside that of a host that is to be explained. */
export const explainingQuestion = {
  files: unique(every.flatMap((driver) => driver.readsToExplain ?? [])),
  exists: unique(distro.map(({ firmware }) => firmware.files)),
  packages: unique(distro.flatMap((driver) => Object.values(driver.versions).flat())),
} satisfies Partial<ProbeQuestion>;

/** Software and all packages that carry its version on one distribution or another. */
export const softwareVersions: ReadonlyMap<string, readonly string[]> = distro
  .flatMap((driver) => Object.entries(driver.versions))
  .reduce(
    (all, [name, packages]) => all.set(name, unique([...(all.get(name) ?? []), ...packages])),
    new Map<string, string[]>(),
  );
