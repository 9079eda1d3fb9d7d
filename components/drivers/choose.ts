import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import { drivers } from "./registry.ts";

/** The first driver whose tool is in use on the host. */
export const choose = <D extends { readonly name: string; detect(facts: Facts): boolean }>(
  kind: string,
  known: readonly D[],
  facts: Facts,
  found: string,
): D | Problem =>
  known.find((driver) => driver.detect(facts)) ?? {
    path: kind,
    problem: `none that is known is in use on this host (${found})`,
    remedy: `supported are: ${known.map((driver) => driver.name).join(", ")}`,
  };

/** Names of the drivers whose tools are in use on the host; undefined where none of the known ones is. */
export const detectedDrivers = (
  facts: Facts,
): Readonly<Record<"bootloader" | "initramfs" | "distro", string | undefined>> => ({
  bootloader: drivers.bootloader.find((driver) => driver.detect(facts))?.name,
  initramfs: drivers.initramfs.find((driver) => driver.detect(facts))?.name,
  distro: drivers.distro.find((driver) => driver.detect(facts))?.name,
});

/** What lies on the host of the loaders that are known, whichever of them boots it. */
export const bootloaderTraces = ({ exists }: Facts): string[] => {
  const paths = new Set(drivers.bootloader.flatMap(({ looksFor = [] }) => looksFor));
  return exists.filter((path) => paths.has(path));
};
