import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The project's own Pulumi: runs in the repository root with the environment below, whatever the caller's. */
export const pulumiPath = fileURLToPath(new URL("pulumi", import.meta.url));

let known: Readonly<Record<string, string>> | undefined;

/**
 * The environment to start Pulumi in, from tests, the demo and the Automation API: the caller's, with the lab's backend and
 * passphrase, the repository's Node and the toolchain's programs first on PATH. It replaces the caller's environment
 * rather than adding to it: a passphrase of the caller's is not in it. From toolchain/environment.sh, asked once.
 */
export function pulumiEnv(): Record<string, string> {
  known ??= Object.fromEntries(
    execFileSync(pulumiPath, ["--print-environment"], { encoding: "utf8", maxBuffer: 16 * 1024 * 1024 })
      .split("\0")
      .filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const),
  );
  return { ...known };
}

/** The project's cache folder, absolute: VFIO_FLEET_CACHE, else vfio-fleet under XDG_CACHE_HOME or ~/.cache. */
export function cacheDir(): string {
  const { VFIO_FLEET_CACHE: cache } = pulumiEnv();
  if (cache === undefined) throw new Error("toolchain/environment.sh sets no VFIO_FLEET_CACHE");
  return cache;
}
