import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP port of this machine that forwards to another one until it is cut. */
export interface Proxy {
  readonly port: number;
  /** Resets every connection, as a router does that has lost its table; new ones pass. */
  reset(): void;
  /** Drops all data on old and new connections, without telling either side. */
  silence(): void;
  /** Forwards new connections again; silenced ones stay silent. */
  restore(): void;
  close(): Promise<void>;
}

/** Forwards connections on 127.0.0.1 to the port that `target` returns at that moment. */
export const startProxy = async (target: () => number): Promise<Proxy> => {
  const pairs = new Set<readonly [Socket, Socket]>();
  let silent = false;
  const server = createServer((client) => {
    const host = connect(target(), "127.0.0.1");
    const pair = [client, host] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      host.destroy();
    };
    for (const socket of pair) socket.once("error", end).once("close", end);
    if (silent) return;
    client.pipe(host);
    host.pipe(client);
  });
  await new Promise<void>((done, failed) => {
    server.once("error", failed).listen(0, "127.0.0.1", done);
  });
  return {
    port: (server.address() as AddressInfo).port,
    reset: () => {
      for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    },
    silence: () => {
      silent = true;
      for (const [client, host] of pairs) {
        client.unpipe(host).pause();
        host.unpipe(client).pause();
      }
    },
    restore: () => {
      silent = false;
    },
    close: () =>
      new Promise<void>((done) => {
        for (const pair of pairs) for (const socket of pair) socket.destroy();
        server.close(() => done());
      }),
  };
};
