import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP port of this machine that leads to another one, until it is cut. */
export interface Proxy {
  readonly port: number;
  /** ends every connection with a reset, as a router does that has lost its table; new ones pass */
  reset(): void;
  /** passes nothing any more, on old connections and new ones, without a word to either side */
  silence(): void;
  /** passes again what is new; what was silenced stays silent */
  restore(): void;
  close(): Promise<void>;
}

/** Leads connections on 127.0.0.1 to whatever `target` says at that moment. */
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
