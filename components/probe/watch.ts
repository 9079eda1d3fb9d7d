import { randomBytes } from "node:crypto";
import type { Facts } from "../facts/facts.ts";
import { parseProbe } from "./parse.ts";
import { questionLines } from "./ask.ts";
import type { Connection } from "../ssh/connection.ts";
import { elevated } from "./elevate.ts";
import { SHELL } from "./shell.ts";
import { HostError } from "../ssh/host-error.ts";
import { probeCall, probeScript } from "./probe-program.ts";
import { streamFromHost } from "../ssh/session.ts";

/** More than one answer of any honest host, in characters. */
const LIMIT = 32 * 1024 * 1024;

/**
 * Asks one host again and again for what changes: drivers, power states, domains, holders, temperatures, the kernel's
 * log. One connection; the host's shell waits between two answers. Nothing is changed on the host.
 * @param seconds between the end of one answer and the beginning of the next
 * @throws {HostError} when the host cannot be reached, or its connection breaks; ends quietly when `signal` is aborted
 */
export const watchHost = async (
  connection: Connection,
  seconds: number,
  onFacts: (facts: Facts) => void,
  signal: AbortSignal,
): Promise<void> => {
  const nonce = randomBytes(9).toString("hex");
  const end = `@${nonce} end\n`;
  const script = [
    `N=${nonce} FILES= EXISTS= PACKAGES= TOOLS= IMAGES= TRIALS= PARAMETERS= MODINFO= SYMBOLS= SURVEY=watch`,
    // answers once, and then as long as somebody reads
    probeScript(true),
    `while sleep ${seconds}; do probe </dev/null 2>/dev/null; done`,
  ].join("\n");
  let text = "";
  let failure: unknown;
  const stop = new AbortController();
  const name = `${connection.user}@${connection.host}`;
  const result = await streamFromHost(
    connection,
    SHELL,
    elevated(
      {
        script,
        program: probeCall("watch", String(seconds)),
        input: questionLines({ N: [nonce], SURVEY: ["watch"] }),
      },
      connection.sudoPassword,
    ),
    (more) => {
      text += more;
      if (text.length > LIMIT)
        failure = new HostError(
          name,
          "it answered more than any host does",
          "ask it with vfio-fleet inspect",
        );
      for (let at = text.indexOf(end); at >= 0 && failure === undefined; at = text.indexOf(end)) {
        const answer = text.slice(0, at + end.length);
        text = text.slice(at + end.length);
        try {
          onFacts(parseProbe(Buffer.from(answer, "latin1"), nonce));
        } catch (error) {
          failure = error;
        }
      }
      if (failure !== undefined) stop.abort();
    },
    AbortSignal.any([signal, stop.signal]),
    "latin1",
  );
  if (failure !== undefined) throw failure;
  if (!signal.aborted)
    throw new HostError(
      name,
      `it stopped to answer${result.stderr === "" ? "" : `: ${result.stderr.trim().slice(-500)}`}`,
      "it is asked again as long as this runs",
    );
};
