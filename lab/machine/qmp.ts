/** QEMU's machine protocol: JSON lines over the host's socket. https://www.qemu.org/docs/master/interop/qmp-spec.html */
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
 * Runs one command on a running host's QEMU and returns what QEMU returned, by QEMU's schema of the command. Throws with
 * QEMU's own words when it refuses. `quit` may answer by closing the connection, which counts as done.
 */
export const qmp = async (
  hostName: string,
  execute: string,
  commandArguments: Readonly<Record<string, unknown>> = {},
  timeoutMs = 10_000,
): Promise<unknown> => {
  // a socket's path may be 107 bytes long; through the open folder it is short wherever the cache lies
  const folder = openSync(hostDir(hostName), "r");
  const socket = connect(`/proc/self/fd/${folder}/${HOST_FILES.qmp}`);
  try {
    return await new Promise((resolve, reject) => {
      const fail = (reason: string): void => reject(new Error(`${hostName}: QMP ${execute}: ${reason}`));
      const send = (command: object): void => void socket.write(`${JSON.stringify(command)}\n`);
      let ready = false;
      socket.setTimeout(timeoutMs, () => fail(`no answer in ${timeoutMs} ms`));
      const lines = createInterface({ input: socket });
      // readline hands on the socket's errors
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
