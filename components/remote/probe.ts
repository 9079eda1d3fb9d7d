import type { Facts } from "../core/facts.ts";
import { askHost, type ProbeQuestion } from "./ask.ts";
import type { Connection } from "./connection.ts";
import { SHELL } from "./elevate.ts";
import { openHost } from "./session.ts";

/**
 * Connects to one host and asks it for its facts.
 * @throws {HostError} as askHost
 */
export const probeHost = (connection: Connection, question: ProbeQuestion): Promise<Facts> =>
  askHost(
    connection,
    question,
    openHost(connection).then((host) => ({
      ask: (script) => host.start(SHELL, "").finish(script),
      end: host.end,
    })),
  );
