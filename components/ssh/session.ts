import { createHash } from "node:crypto";
import { Client, type ConnectConfig } from "ssh2";
import type { Connection, Hop } from "./connection.ts";
import { HostError } from "./host-error.ts";
import { remedies } from "./remedies.ts";

export interface RunResult {
  readonly code: number | null;
  /** as it came: files of a host may be in it, which are no text perhaps */
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** How a command ended whose output was handed over as it came. */
type StreamResult = Omit<RunResult, "stdout">;

/** More than any honest host answers; a host that sends more is cut off. */
const ANSWER_LIMIT = 32 * 1024 * 1024;

const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;

/** The key blob starts with its own type: a length and the name (RFC 4253, 6.6). */
const keyLine = (key: Buffer): string => {
  const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString("latin1");
  return `${type} ${key.toString("base64")}`;
};

const label = (hop: Hop): string => `${hop.user}@${hop.host}${hop.port === 22 ? "" : `:${hop.port}`}`;

const config = (hop: Hop, offered: (key: Buffer) => boolean): ConnectConfig => ({
  host: hop.host,
  port: hop.port,
  username: hop.user,
  readyTimeout: 20_000,
  keepaliveInterval: 15_000,
  hostVerifier: offered,
  // what the host would take instead is not asked for first: a round trip less
  authHandler: [hop.auth.kind === "key" ? "publickey" : "agent"],
  ...(hop.auth.kind === "key"
    ? {
        privateKey: hop.auth.privateKey,
        ...(hop.auth.passphrase !== undefined && { passphrase: hop.auth.passphrase }),
      }
    : { agent: hop.auth.socket }),
  algorithms: {
    // cheap for both sides; sntrup761, OpenSSH's first choice, costs several times the CPU time
    kex: { prepend: ["curve25519-sha256", "curve25519-sha256@libssh.org"], append: [], remove: [] },
    cipher: { prepend: ["aes128-gcm@openssh.com"], append: [], remove: [] },
    ...(hop.hostKey !== undefined && { serverHostKey: hostKeyAlgorithms(hop.hostKey) }),
  },
});

/** Only the pinned key's own type may be negotiated, so that a host with several keys shows the pinned one. */
const hostKeyAlgorithms = (
  line: string,
): NonNullable<NonNullable<ConnectConfig["algorithms"]>["serverHostKey"]> => {
  const [type] = line.split(" ");
  if (type === "ssh-rsa") return ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"];
  if (type === "ecdsa-sha2-nistp256" || type === "ecdsa-sha2-nistp384" || type === "ecdsa-sha2-nistp521")
    return [type];
  return ["ssh-ed25519"];
};

const explain = (
  hop: Hop,
  error: Error & { level?: string; code?: string },
  offered: Buffer | undefined,
): HostError => {
  const name = label(hop);
  const helps = remedies(hop);
  if (offered && hop.hostKey === undefined)
    return new HostError(
      name,
      `its host key is unknown: it shows ${keyLine(offered)} (${fingerprint(offered)})`,
      helps.unknownKey(keyLine(offered)),
      keyLine(offered),
    );
  if (offered && keyLine(offered) !== hop.hostKey)
    return new HostError(
      name,
      `wrong host key: it shows ${fingerprint(offered)}, expected ${fingerprint(Buffer.from(hop.hostKey?.split(" ")[1] ?? "", "base64"))}`,
      `either the host was reinstalled (then check the new key at its console; ${helps.changedKey}), or something else answers at this address`,
    );
  if (error.level === "client-authentication") {
    const passedOver = hop.described?.passedOver ?? [];
    return new HostError(
      name,
      (hop.auth.kind === "key"
        ? `the host refused the key ${hop.auth.path}`
        : "the host refused every key of the SSH agent") +
        (passedOver.length > 0 ? `; not tried: ${passedOver.join(", ")}` : ""),
      helps.refusedLogin,
    );
  }
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN")
    return new HostError(name, "the host's name cannot be resolved", helps.unresolved);
  if (error.code === "ECONNREFUSED")
    return new HostError(name, "connection refused: nothing listens there", helps.nothingListens);
  if (
    error.level === "client-timeout" ||
    error.code === "ETIMEDOUT" ||
    error.code === "EHOSTUNREACH" ||
    error.code === "ENETUNREACH"
  )
    return new HostError(name, `the host does not answer (${error.message})`, helps.silent);
  if (/no matching/i.test(error.message))
    return new HostError(
      name,
      `no common SSH algorithm: ${error.message}`,
      hop.hostKey === undefined ? "the host's SSH server is too old" : helps.otherKeyType,
    );
  if (/passphrase|privateKey|agent/i.test(error.message))
    return new HostError(name, `the private key cannot be used: ${error.message}`, helps.passphrase);
  return new HostError(
    name,
    `the SSH connection failed: ${error.message}`,
    "run it again; if it stays, try 'ssh -v' to the host",
  );
};

const open = (hop: Hop, through?: NodeJS.ReadableStream): Promise<Client> => {
  let shown: Buffer | undefined;
  const client = new Client();
  const accept = (key: Buffer): boolean => {
    shown = key;
    return keyLine(key) === hop.hostKey;
  };
  return new Promise((resolve, reject) => {
    client
      .once("ready", () => resolve(client))
      .once("error", (error) => {
        client.destroy();
        reject(explain(hop, error, shown && keyLine(shown) === hop.hostKey ? undefined : shown));
      });
    try {
      client.connect({ ...config(hop, accept), ...(through && { sock: through as never }) });
      // a handshake is many small messages: held back until the last was acknowledged, they cost a third of its time
      client.setNoDelay(true);
    } catch (error) {
      reject(explain(hop, error instanceof Error ? error : new Error(String(error)), undefined));
    }
  });
};

const openThrough = async (connection: Connection): Promise<{ client: Client; end: () => void }> => {
  if (!connection.proxy) {
    const client = await open(connection);
    return { client, end: () => client.end() };
  }
  const jump = await open(connection.proxy);
  try {
    const channel = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
      jump.forwardOut("127.0.0.1", 0, connection.host, connection.port, (error, stream) =>
        error ? reject(error) : resolve(stream),
      );
    });
    const client = await open(connection, channel);
    return { client, end: () => (client.end(), jump.end()) };
  } catch (error) {
    jump.end();
    throw error;
  }
};

/** A host that has let us in. */
export interface OpenHost {
  /**
   * Runs one command with `input` on its standard input; all that it prints is in the result.
   * @throws {HostError} cut off, or it answers more than it may
   */
  readonly run: (command: string, input: string) => Promise<RunResult>;
  readonly end: () => void;
}

const runThrough = (
  client: Client,
  connection: Connection,
  command: string,
  input: string,
): Promise<RunResult> =>
  new Promise((resolve, reject) => {
    const broken = (what: string): void =>
      reject(new HostError(label(connection), what, "run it again; if it stays, look at the host's own log"));
    client.once("error", (error) => broken(`the connection broke: ${error.message}`));
    client.once("close", () => broken("the host closed the connection in the middle of the answer"));
    client.exec(command, (error, channel) => {
      if (error) return broken(`the host does not run commands: ${error.message}`);
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let bytes = 0;
      const collect = (into: Buffer[]) => (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_LIMIT) broken(`it answered more than ${ANSWER_LIMIT >> 20} MiB`);
        else into.push(chunk);
      };
      channel.on("data", collect(out));
      channel.stderr.on("data", collect(err));
      channel.on("close", (code: number | null) => {
        resolve({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString("utf8") });
      });
      channel.end(input);
    });
  });

/**
 * Connects to a host. Its key has to be the pinned one; nothing is sent before that is checked.
 * @throws {HostError} unreachable, refused, wrong or unknown host key
 */
export const openHost = async (connection: Connection): Promise<OpenHost> => {
  const { client, end } = await openThrough(connection);
  // an idle connection that breaks is noticed by whoever uses it next
  client.on("error", () => {});
  return { run: (command, input) => runThrough(client, connection, command, input), end };
};

/**
 * Runs one command on a host over a connection of its own, with `input` on its standard input.
 * @throws {HostError} as openHost and OpenHost.run
 */
export const runOnHost = async (
  connection: Connection,
  command: string,
  input: string,
): Promise<RunResult> => {
  const host = await openHost(connection);
  try {
    return await host.run(command, input);
  } finally {
    host.end();
  }
};

/**
 * Runs one command on a host and hands over what it prints as it comes, until it ends or `signal` is aborted, which
 * closes the connection: the command's next print then ends it.
 * @param encoding latin1 keeps every byte, as a character of its own
 * @throws {HostError} as runOnHost, and when the connection breaks; not when aborted
 */
export const streamFromHost = async (
  connection: Connection,
  command: string,
  input: string,
  onText: (text: string) => void,
  signal: AbortSignal,
  encoding: "utf8" | "latin1" = "utf8",
): Promise<StreamResult> => {
  const { client, end } = await openThrough(connection);
  const aborted = { code: null, stderr: "" };
  try {
    return await new Promise<StreamResult>((resolve, reject) => {
      const broken = (what: string): void =>
        reject(new HostError(label(connection), what, "it is asked again as long as this runs"));
      if (signal.aborted) return resolve(aborted);
      signal.addEventListener("abort", () => resolve(aborted), { once: true });
      client.once("error", (error) => broken(`the connection broke: ${error.message}`));
      client.once("close", () => broken("the host closed the connection"));
      client.exec(command, (error, channel) => {
        if (error) return broken(`the host does not run commands: ${error.message}`);
        let stderr = "";
        channel.setEncoding(encoding);
        channel.on("data", onText);
        channel.stderr.setEncoding("utf8");
        channel.stderr.on("data", (text: string) => {
          stderr = (stderr + text).slice(-4000);
        });
        channel.on("close", (code: number | null) => resolve({ code, stderr }));
        channel.end(input);
      });
    });
  } finally {
    end();
  }
};
