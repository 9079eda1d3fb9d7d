import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Facts } from "../core/facts.ts";
import { parseProbe } from "../facts/parse.ts";
import type { Connection } from "./connection.ts";
import { ELEVATED_SHELL } from "./elevate.ts";
import { quote } from "./quote.ts";
import { HostError, runOnHost } from "./session.ts";

export interface ProbeQuestion {
  /** paths whose content is wanted; globs are expanded on the host */
  readonly files: readonly string[];
  /** paths that may be there or not; globs are expanded on the host */
  readonly exists: readonly string[];
  readonly packages: readonly string[];
  /** modules whose parameters are wanted; `*` for all */
  readonly parameters: readonly string[];
  /** modules whose parameters are to be checked before they are set */
  readonly modinfo?: readonly string[];
  /** kernel functions that only some kernels have */
  readonly symbols?: readonly string[];
  /** what explains a host beyond what a plan looks at; costs the host about as much as all the rest */
  readonly survey?: boolean;
}

const read = (name: string): string => readFileSync(new URL(`../facts/${name}.sh`, import.meta.url), "utf8");
const script = read("probe");

/**
 * Asks one host for its facts: one connection, one round trip, nothing changed.
 * @throws {HostError} when it cannot be reached or sudo refuses the password
 */
export const probeHost = async (connection: Connection, question: ProbeQuestion): Promise<Facts> => {
  const nonce = randomBytes(9).toString("hex");
  const input = [
    connection.sudoPassword ?? "",
    `N=${nonce}`,
    `FILES=${quote(question.files.join(" "))}`,
    `EXISTS=${quote(question.exists.join(" "))}`,
    `PACKAGES=${quote(question.packages.join(" "))}`,
    `PARAMETERS=${quote(question.parameters.join(" "))}`,
    `MODINFO=${quote((question.modinfo ?? []).join(" "))}`,
    `SYMBOLS=${quote((question.symbols ?? []).join(" "))}`,
    ...(question.survey ? ["SURVEY=survey", read("survey")] : []),
    script,
  ].join("\n");
  const result = await runOnHost(connection, ELEVATED_SHELL, input);
  const name = `${connection.user}@${connection.host}`;
  if (result.code !== 0 && result.stdout === "")
    throw new HostError(
      name,
      `the probe did not run (exit status ${result.code}): ${result.stderr.trim().slice(0, 500)}`,
      /sudo/.test(result.stderr)
        ? "check the password: pulumi config set --secret --path 'vfio-fleet:secrets.HOST.sudoPassword'"
        : "the login needs a POSIX shell that can run commands",
    );
  try {
    return parseProbe(result.stdout, nonce);
  } catch (error) {
    throw new HostError(
      name,
      error instanceof Error ? error.message : String(error),
      "run it again; if it stays, run 'vfio-fleet inspect' and report what it says",
    );
  }
};
