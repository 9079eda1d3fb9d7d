import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { startSshd, type Sshd } from "../sshd.ts";
import { makeHostFiles } from "./host-files.ts";

/**
 * One made-up Debian host behind a real sshd on loopback. Only its programs and its reboot are stand-ins of this
 * machine.
 */
export interface BedHost {
  readonly name: string;
  readonly port: number;
  /** The folder that is the host's root. */
  readonly root: string;
  /** A stack file's `connection` to this host. */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly hostKey: string;
    readonly privateKeyFile: string;
  };
  /** Runs a command on the host without ssh, for checks; throws if the command fails. */
  run(command: string): string;
}

export interface Bed {
  readonly hosts: readonly BedHost[];
  readonly servers: readonly Sshd[];
  stop(): Promise<void>;
}

/** Number of addresses on which one sshd listens (OpenSSH: MAX_LISTEN_SOCKS). */
const PORTS = 16;

const isRoot = userInfo().uid === 0;

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
};

/**
 * A process that holds the host's mount namespace. It ends when its input closes, so with the test that started it.
 */
const startKeeper = async (root: string): Promise<ChildProcess> => {
  const keeper = join(import.meta.dirname, "keeper.sh");
  const child = spawn(
    "unshare",
    ["--mount", ...(isRoot ? [] : ["--map-root-user"]), "/bin/sh", keeper, root],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`a bed's host ended with ${code}`))),
  ]);
  return child;
};

const entering = (pid: number): string[] => [
  "nsenter",
  `--target=${pid}`,
  "--mount",
  ...(isRoot ? [] : ["--user", "--preserve-credentials"]),
  "--root",
  "--wd",
];

/**
 * Starts this number of hosts. The port of a login selects the host: sshd's ForceCommand enters that host's mount
 * namespace for every command, sftp included.
 */
export const startBed = async (count: number): Promise<Bed> => {
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-bed-"));
  chmodSync(folder, 0o755);
  const first = join(folder, "first");
  makeHostFiles(first, "host");
  const force = join(folder, "force.sh");
  const settings = [
    `ForceCommand ${force}`,
    "MaxStartups 1000",
    "Subsystem sftp /usr/lib/openssh/sftp-server",
  ];
  const servers: Sshd[] = [];
  // Each server listens before the next one looks for free ports. Otherwise two would find the same ports.
  for (let left = count; left > 0; left -= PORTS)
    servers.push(await startSshd(settings, Math.min(PORTS, left)));
  const keepers: ChildProcess[] = [];
  const places = servers.flatMap((server) => server.ports.map((port) => ({ server, port })));
  const hosts: BedHost[] = [];
  for (const [index, { server, port }] of places.entries()) {
    const name = `h${String(index + 1).padStart(3, "0")}`;
    const root = join(folder, name);
    cpSync(first, root, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(root, "proc/sys/kernel/hostname"), `${name}\n`);
    const keeper = await startKeeper(root);
    keepers.push(keeper);
    const [program = "", ...args] = entering(keeper.pid ?? 0);
    hosts.push({
      name,
      port,
      root,
      connection: {
        host: "127.0.0.1",
        port,
        user: server.user,
        hostKey: server.hostKey,
        privateKeyFile: server.privateKeyFile,
      },
      run: (command) =>
        execFileSync(
          program,
          [...args, "/bin/sh", "-c", `PATH=/usr/local/sbin:/usr/sbin:$PATH; ${command}`],
          {
            encoding: "utf8",
          },
        ).trimEnd(),
    });
  }
  const cases = hosts.map(
    ({ port }, index) => `  ${port}) set -- ${entering(keepers[index]?.pid ?? 0).join(" ")} ;;`,
  );
  writeFileSync(
    force,
    `#!/bin/sh\nset -- $SSH_CONNECTION\ncase $4 in\n${cases.join("\n")}\nesac\n` +
      'exec "$@" /bin/sh -c "${SSH_ORIGINAL_COMMAND:-exec /bin/sh}"\n',
    { mode: 0o755 },
  );
  return {
    hosts,
    servers,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
      for (const keeper of keepers) keeper.stdin?.end();
      await Promise.all(keepers.map(ended));
      rmSync(folder, { recursive: true });
    },
  };
};
