/** Paths of the lab: everything is in one cache folder, except one file in the repository. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * The project's cache folder as an absolute path: `$VFIO_FLEET_CACHE`, or `vfio-fleet` in the user's cache folder.
 */
export const cacheDir = (): string => {
  const { VFIO_FLEET_CACHE, XDG_CACHE_HOME } = process.env;
  return resolve(VFIO_FLEET_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "vfio-fleet"));
};

const inLab = (...parts: readonly string[]): string => join(cacheDir(), "lab", ...parts);

export const labDir = (): string => inLab();
export const keysDir = (): string => inLab("keys");
export const imagesDir = (): string => inLab("images");
export const hostsDir = (): string => inLab("hosts");
export const hostDir = (name: string): string => inLab("hosts", name);
export const snapshotsDir = (): string => inLab("snapshots");
export const snapshotDir = (tag: string): string => inLab("snapshots", tag);
export const locksDir = (): string => inLab("locks");

/** The client configuration, with an entry for each running host. */
export const sshConfigFile = (): string => inLab("ssh_config");
export const knownHostsFile = (): string => inLab("known_hosts");

const REPOSITORY = resolve(import.meta.dirname, "..");
/** The file that stacks name. Its one line includes {@link sshConfigFile}. It is not in git. */
export const stackSshConfigFile = (): string => join(REPOSITORY, ".lab", "ssh_config");

/** Whether a name is valid for hosts and snapshots: as a folder, an SSH host name and a host name. */
export const isLabName = (name: string): boolean => /^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/.test(name);
