import type { Hop } from "./connection.ts";
import { startLabHost } from "./lab-host.ts";

/** What helps against the troubles that connections have. */
export interface Remedies {
  /** @param key the host's own, as a line of known_hosts has it */
  readonly unknownKey: (key: string) => string;
  readonly changedKey: string;
  readonly otherKeyType: string;
  readonly refusedLogin: string;
  readonly unresolved: string;
  readonly nothingListens: string;
  readonly silent: string;
  readonly passphrase: string;
  readonly sudo: string;
}

const CONSOLE = "'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' at the host's console";

const ofStack = (hop: Hop, known: string | undefined): Remedies => ({
  unknownKey: (key) =>
    `compare with ${CONSOLE}, then put\n      hostKey: "${key}"\n      under the host's connection in the stack file`,
  changedKey: known ?? "change hostKey",
  otherKeyType: known ?? "the host may have no key of the type that hostKey pins; check hostKey",
  refusedLogin: `add the public key to ~${hop.user}/.ssh/authorized_keys on the host, or name another privateKeyFile or user`,
  unresolved: "check connection.host",
  nothingListens: "check that sshd runs, and connection.port",
  silent: "check that it is on and reachable, and connection.host and port",
  passphrase:
    "for a key with a passphrase: pulumi config set --secret --path 'vfio-fleet:secrets.HOST.privateKeyPassphrase', or use an SSH agent",
  sudo: "check the password: pulumi config set --secret --path 'vfio-fleet:secrets.HOST.sudoPassword'",
});

/** A command that was given a host has neither a stack file nor secrets. */
const ofCommandLine = (hop: Hop, known: string | undefined, knownAs: string): Remedies => ({
  unknownKey: (key) =>
    `compare with ${CONSOLE}, then say it with --host-key '${key}', or let ~/.ssh/known_hosts have the line\n      ${knownAs} ${key}`,
  changedKey: known ?? "give the new one to --host-key",
  otherKeyType: known ?? "the host may have no key of the type that --host-key pins; check it",
  refusedLogin: `add the public key to ~${hop.user}/.ssh/authorized_keys on the host, or name another key (--identity FILE) or login (user@host)`,
  unresolved: "check the name",
  nothingListens: "check that sshd runs, and its port (user@host:port)",
  silent: "check that it is on and reachable, and its name and port (user@host:port)",
  passphrase:
    "give a key with a passphrase to an SSH agent (ssh-add FILE), or name another with --identity FILE",
  sudo: "log in as root, or as a login that may use sudo without a password ('vfio-fleet sudoers' prints a narrow one)",
});

/** What helps the person who described this connection. */
export const remedies = (hop: Hop): Remedies => {
  const { described } = hop;
  const known = described?.keyIsKnown
    ? `take the old key out of known_hosts: ssh-keygen -R '${described.knownAs}'`
    : undefined;
  if (described?.by === "command line") return ofCommandLine(hop, known, described.knownAs);
  const stack = ofStack(hop, known);
  if (described?.by !== "lab") return stack;
  // the lab writes its hosts' addresses and keys itself
  const start = startLabHost(described.host);
  return { ...stack, nothingListens: start, silent: start, unresolved: start, changedKey: start };
};
