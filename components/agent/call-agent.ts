import type { Connection } from "../ssh/connection.ts";
import { elevated } from "../probe/elevate.ts";
import { SHELL } from "../probe/shell.ts";
import { AGENT } from "../facts/programs.ts";
import { lengthOf } from "../plan/step.ts";
import { commandLine, quote } from "../ssh/quote.ts";
import { streamFromHost } from "../ssh/session.ts";

/** What the agent said when it would not do it. */
export type AgentAnswer = { readonly ok: true } | { readonly ok: false; readonly reason: string };

const scriptFor = (program: readonly string[], input: string): string =>
  [
    "refuse() { printf 'vfio-fleet: %s\\n' \"$*\" >&2; exit 1; }",
    "main() {",
    '  case $PRIVILEGE in none | sudo-agent-old) refuse "$LOGIN is neither root nor allowed to use sudo for this version of vfio-fleet" ;; esac',
    `  [ -x ${AGENT} ] || refuse "this host is not set up yet: pulumi up does it"`,
    `  printf %s ${quote(input)} | ${commandLine(program)}`,
    "}",
    "main",
    "",
  ].join("\n");

/**
 * Calls a verb of the agent on a host, outside of an up; the agent itself lets one caller in at a time.
 * @param onText what it says while it is at it
 * @throws {HostError} when the host cannot be reached or the connection breaks
 */
export const callAgent = async (
  connection: Connection,
  words: readonly string[],
  input: string,
  onText: (text: string) => void,
): Promise<AgentAnswer> => {
  const program = [AGENT, ...words, lengthOf(input)];
  const { code, stderr } = await streamFromHost(
    connection,
    SHELL,
    elevated({ script: scriptFor(program, input), program, input }, connection.sudoPassword),
    onText,
    new AbortController().signal,
  );
  if (code === 0) return { ok: true };
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const own = lines.findLastIndex((line) => line.startsWith("vfio-fleet: "));
  const said = own === -1 ? lines.slice(-5) : lines.slice(own);
  return { ok: false, reason: said.join("\n").replace(/^vfio-fleet: /, "") || `exit status ${code}` };
};
