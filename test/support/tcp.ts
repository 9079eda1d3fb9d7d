import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A TCP port of 127.0.0.1 with a handler. */
export interface Port {
  readonly port: number;
  close(): Promise<void>;
}

const listen = async (onClient: (client: Socket, keep: (socket: Socket) => void) => void): Promise<Port> => {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
  };
  const server: Server = createServer((client) => {
    keep(client);
    onClient(client, keep);
  });
  await new Promise<void>((done, failed) => {
    server.once("error", failed).listen(0, "127.0.0.1", done);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((done) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => done());
      }),
  };
};

/** Sends one text to every client and closes the connection. */
export const startTalker = (text: string): Promise<Port> => listen((client) => client.end(text));

/** Forwards to another port, and delays data by this time in both directions. */
export const startSlowPort = (target: number, milliseconds: number): Promise<Port> =>
  listen((client, keep) => {
    const host = connect(target, "127.0.0.1");
    keep(host);
    for (const [from, to] of [
      [client, host],
      [host, client],
    ] as const)
      from
        .on("data", (chunk: Buffer) => setTimeout(() => to.write(chunk), milliseconds).unref())
        .once("close", () => to.destroy());
  });
