import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** A TCP port on 127.0.0.1 that is free now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** A real OpenSSH server on 127.0.0.1 with its own keys, for the user who runs the test. */
export interface Sshd {
  readonly port: number;
  /** All ports, if several were requested. */
  readonly ports: readonly number[];
  readonly user: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  readonly privateKeyFile: string;
  /** A key that the server does not accept. */
  readonly strangerKeyFile: string;
  /** The public key of another host. */
  readonly otherHostKey: string;
  stop(): Promise<void>;
}

/** A stack's `connection` that leads to the server. */
export const connectionTo = ({ port, user, hostKey, privateKeyFile }: Sshd) => ({
  host: "127.0.0.1",
  port,
  user,
  hostKey,
  privateKeyFile,
});

const makeKey = (file: string): string => {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", file]);
  return readFileSync(`${file}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
};

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });

/** Free ports, all different. */
const freePorts = async (count: number): Promise<number[]> => {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort());
  return [...found];
};

/**
 * Starts the server and waits until it listens on this number of ports. `settings` are lines of sshd_config(5);
 * `keyOptions` stand before the key in authorized_keys.
 */
export const startSshd = async (
  settings: readonly string[] = [],
  count = 1,
  keyOptions = "",
): Promise<Sshd> => {
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-sshd-"));
  chmodSync(folder, 0o700);
  const file = (name: string): string => join(folder, name);
  const hostKey = makeKey(file("host"));
  const known = makeKey(file("user"));
  makeKey(file("stranger"));
  const otherHostKey = makeKey(file("other"));
  writeFileSync(file("authorized"), `${keyOptions} ${known}\n`.trimStart(), { mode: 0o600 });
  const ports = await freePorts(count);
  writeFileSync(
    file("config"),
    [
      ...ports.map((port) => `ListenAddress 127.0.0.1:${port}`),
      `HostKey ${file("host")}`,
      `AuthorizedKeysFile ${file("authorized")}`,
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "PidFile none",
      // Over SSH bash reads the user's ~/.bashrc, unless it is the child of another shell (bash(1), INVOCATION).
      "SetEnv SHLVL=1",
      ...settings,
      "",
    ].join("\n"),
  );
  // As root sshd needs its privilege separation folder, which packages create only at boot.
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true });
  const child = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", file("config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await new Promise<void>((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.split("Server listening").length > count) resolve();
      // Without this the server would run with the other ports only.
      if (said.includes("Address already in use")) {
        child.kill();
        reject(new Error(`somebody took a port of sshd's: ${said}`));
      }
    });
    child.once("exit", (code) => reject(new Error(`sshd ended with ${code}: ${said}`)));
  });
  return {
    port: ports[0] ?? 0,
    ports,
    user: userInfo().username,
    hostKey,
    privateKeyFile: file("user"),
    strangerKeyFile: file("stranger"),
    otherHostKey,
    stop: async () => {
      child.kill();
      await ended(child);
      rmSync(folder, { recursive: true });
    },
  };
};
