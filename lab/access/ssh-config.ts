/** The SSH client's files: an entry for each running host, with its pinned host key. */
import { labKeys } from "./keys.ts";
import { withLock } from "../machine/lock.ts";
import { knownHostsFile, sshConfigFile, stackSshConfigFile } from "../paths.ts";
import { replaceFile } from "../replace-file.ts";
import { isHostRunning, readStates } from "../machine/state.ts";

/** All lab hosts have one host key, so known_hosts needs only this name. */
const HOST_KEY_ALIAS = "vfio-fleet-lab";

export interface SshEntry {
  readonly name: string;
  readonly port: number;
}

export interface SshFiles {
  readonly identityFile: string;
  readonly knownHostsFile: string;
}

/** The text of an ssh_config with these hosts; a pure function. */
export const renderSshConfig = (entries: readonly SshEntry[], files: SshFiles): string =>
  [
    "# Written by the lab: its running hosts.",
    ...entries.flatMap(({ name, port }) => [
      "",
      `Host ${name}`,
      "  HostName 127.0.0.1",
      `  Port ${port}`,
      "  User root",
      `  IdentityFile ${quote(files.identityFile)}`,
      "  IdentitiesOnly yes",
      "  IdentityAgent none",
      `  HostKeyAlias ${HOST_KEY_ALIAS}`,
      `  UserKnownHostsFile ${quote(files.knownHostsFile)}`,
      "  GlobalKnownHostsFile none",
      "  StrictHostKeyChecking yes",
      "  HostKeyAlgorithms ssh-ed25519",
      // the cheapest for an emulated processor
      "  KexAlgorithms curve25519-sha256",
    ]),
    "",
  ].join("\n");

/** A path for ssh_config: quoted because of blanks, and with escaped per cent signs. */
const quote = (path: string): string => `"${path.replaceAll("%", "%%")}"`;

/** Writes both files for the hosts that run now, and the file that stacks name. */
export const writeSshFiles = async (): Promise<void> =>
  withLock("ssh-files", async () => {
    const keys = await labKeys();
    const entries = readStates()
      .filter(isHostRunning)
      .map(({ name, sshPort }) => ({ name, port: sshPort }));
    const files = { identityFile: keys.identityFile, knownHostsFile: knownHostsFile() };
    replaceFile(knownHostsFile(), `${HOST_KEY_ALIAS} ${keys.hostPublicKey}\n`);
    replaceFile(sshConfigFile(), renderSshConfig(entries, files));
    replaceFile(stackSshConfigFile(), `Include "${sshConfigFile()}"\n`);
  });
