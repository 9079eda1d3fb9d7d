import { parseCmdline } from "../../../facts/cmdline.ts";
import type { Facts } from "../../../facts/facts.ts";

/** Where boot entries lie: on the ESP or the extended boot partition, mounted as systemd and distributions do. */
export const ENTRIES = ["/efi", "/boot/efi", "/boot"].map((root) => `${root}/loader/entries/*.conf`);

/** A type 1 entry of the Boot Loader Specification. */
export interface BootEntry {
  readonly path: string;
  readonly linux: string;
  readonly options: readonly string[];
}

/** The ordinary entries of a host, as far as they were read; ours for trial and recovery are no ordinary ones. */
export const bootEntries = (facts: Facts): BootEntry[] =>
  Object.entries(facts.files).flatMap(([path, file]) => {
    if (!/\/loader\/entries\/[^/]+\.conf$/.test(path) || path.includes("vfio-fleet-")) return [];
    const values = (key: string): string[] =>
      file.content.split("\n").flatMap((line) => {
        const [name, ...rest] = line.trim().split(/\s+/);
        return name === key ? [rest.join(" ")] : [];
      });
    const linux = values("linux")[0];
    return linux === undefined ? [] : [{ path, linux, options: parseCmdline(values("options").join(" ")) }];
  });

/** kernel-install's layout (`bls`): TOKEN/VERSION/linux. */
export const madeByKernelInstall = (entry: BootEntry, kernel: string): boolean =>
  entry.linux.endsWith(`/${kernel}/linux`);
