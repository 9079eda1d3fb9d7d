import type { Facts } from "../facts/facts.ts";
import type { ProbeQuestion } from "../facts/question.ts";
import { askHost } from "./ask.ts";
import type { Connection } from "../ssh/connection.ts";
import { SHELL } from "./shell.ts";
import { openHost } from "../ssh/session.ts";

/**
 * Connects to one host and asks it for its facts.
 * @throws {HostError} as askHost
 */
export const probeHost = (connection: Connection, question: ProbeQuestion): Promise<Facts> =>
  askHost(
    connection,
    question,
    openHost(connection).then((host) => ({
      ask: (script) => host.run(SHELL, script),
      end: host.end,
    })),
  );
