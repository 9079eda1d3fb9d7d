/**
 * QEMU's machine protocol, QMP: JSON lines over the host's socket.
 * https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
import { closeSync, openSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { hostDir } from "../paths.ts";
import { HOST_FILES } from "./qemu-args.ts";

interface QmpMessage {
  readonly QMP?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
}

/**
 * Runs one QMP command on a running host and returns its result, parsed with QEMU's schema of the command. Throws
 * with QEMU's own message if it refuses. A closed connection is a valid answer to `quit`.
 */
export const qmp = async (
  hostName: string,
  execute: string,
  commandArguments: Readonly<Record<string, unknown>> = {},
  timeoutMs = 10_000,
): Promise<unknown> => {
  // A socket's path has at most 107 bytes; through the open folder it is always short.
  const folder = openSync(hostDir(hostName), "r");
  const socket = connect(`/proc/self/fd/${folder}/${HOST_FILES.qmp}`);
  try {
    return await new Promise((resolve, reject) => {
      const fail = (reason: string): void => reject(new Error(`${hostName}: QMP ${execute}: ${reason}`));
      const send = (command: object): void => void socket.write(`${JSON.stringify(command)}\n`);
      let ready = false;
      socket.setTimeout(timeoutMs, () => fail(`no answer in ${timeoutMs} ms`));
      const lines = createInterface({ input: socket });
      // readline passes the socket's errors on.
      lines.once("error", (error: Error) => fail(error.message));
      socket.once("close", () =>
        execute === "quit" && ready ? resolve({}) : fail("QEMU closed the connection"),
      );
      lines.on("line", (line) => {
        const message = JSON.parse(line) as QmpMessage;
        if (message.QMP !== undefined) send({ execute: "qmp_capabilities" });
        else if (message.error !== undefined) fail(message.error.desc);
        else if (message.return !== undefined && ready) resolve(message.return);
        else if (message.return !== undefined) {
          ready = true;
          send({ execute, arguments: commandArguments });
        }
      });
    });
  } finally {
    socket.destroy();
    closeSync(folder);
  }
};
