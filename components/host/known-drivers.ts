import { bootloaders } from "../drivers/bootloader/registry.ts";
import { distros } from "../drivers/distro/registry.ts";
import { initramfsGenerators } from "../drivers/initramfs/registry.ts";
import type { Facts } from "../facts/facts.ts";
import type { Problem } from "../facts/problem.ts";
import type { BootloaderDriver, DistroDriver, InitramfsDriver } from "../plan/driver.ts";

/** Every driver that is registered, by kind, in the order in which they are asked. */
export const drivers = {
  bootloader: Object.values<BootloaderDriver>(bootloaders),
  initramfs: Object.values<InitramfsDriver>(initramfsGenerators),
  distro: Object.values<DistroDriver>(distros),
};

export const everyDriver = [...drivers.bootloader, ...drivers.initramfs, ...drivers.distro];

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
