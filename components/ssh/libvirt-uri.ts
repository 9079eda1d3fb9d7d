import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "./connection.ts";

/** Host keys for the libvirt plugin, which reads them from a known_hosts file; relative to the project's root. */
const FOLDER = ".vfio-fleet";

/**
 * The URI by which the libvirt plugin reaches a host: its own SSH client with the same key and the same pinned host
 * key. It is an input of the provider, so nothing in it may change from run to run.
 */
export const libvirtUri = (name: string, connection: Connection): string => {
  const { host, port, user, hostKey, auth } = connection;
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${name}.known_hosts`);
  writeFileSync(file, `${port === 22 ? host : `[${host}]:${port}`} ${hostKey ?? ""}\n`);
  const query = new URLSearchParams({
    knownhosts: file,
    ...(auth.kind === "key" ? { sshauth: "privkey", keyfile: auth.path } : { sshauth: "agent" }),
  });
  return `qemu+ssh://${encodeURIComponent(user)}@${host}:${port}/system?${query.toString()}`;
};
