import { randomBytes } from "node:crypto";
import type { Facts } from "../facts/facts.ts";
import type { ProbeQuestion } from "../facts/question.ts";
import { parseProbe } from "./parse.ts";
import type { Connection } from "../ssh/connection.ts";
import { elevated } from "./elevate.ts";
import { HostError } from "../ssh/host-error.ts";
import { probeCall, probeScript } from "./probe-program.ts";
import { quote } from "../ssh/quote.ts";
import { remedies } from "../ssh/remedies.ts";
import type { RunResult } from "../ssh/session.ts";

/** The probe's variables; LOOK is the only one of several lines. */
const questionValues = (question: ProbeQuestion, nonce: string) =>
  ({
    N: [nonce],
    FILES: [[...question.files, ...(question.excerpts ?? []).map(({ path }) => path)].join(" ")],
    EXISTS: [question.exists.join(" ")],
    LOOK: question.look ?? [],
    PACKAGES: [question.packages.join(" ")],
    TOOLS: [(question.tools ?? []).join(" ")],
    IMAGES: [(question.images?.built ?? []).join(" ")],
    TRIALS: [(question.images?.trials ?? []).join(" ")],
    PARAMETERS: [question.parameters.join(" ")],
    MODINFO: [
      (question.modinfo ?? [])
        .map(({ module, receipt, sha256 }) => [module, receipt, sha256].join(":"))
        .join(" "),
    ],
    SYMBOLS: [(question.symbols ?? []).join(" ")],
    SURVEY: [question.survey ? "survey" : ""],
  }) satisfies Record<string, readonly string[]>;

/** The same for the program that looks at a host whose sudo allows no shell. */
export const questionLines = (asked: Readonly<Record<string, readonly string[]>>): string =>
  Object.entries(asked)
    .flatMap(([name, values]) => values.map((value) => `${name}=${value}\n`))
    .join("");

/** A shell on a host: what is asked is its script. */
export interface AskedHost {
  readonly ask: (script: string) => Promise<RunResult>;
  readonly end: () => void;
}

/** Milliseconds that a host which let us in may take for its answer: far more than any needs that does not hang. */
const PATIENCE = 180_000;

/** @throws {HostError} after `patience` milliseconds without the answer */
const inTime = async <T>(name: string, answer: Promise<T>, patience: number): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      reject(
        new HostError(
          name,
          `it let us in and then did not answer for ${patience / 1000} s`,
          "something hangs there, a disk, a network file system or libvirt perhaps: log in and look for processes in state D",
        ),
      ),
    patience,
  );
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Asks one host for its facts: one connection, one round trip, nothing changed.
 * @param opened a shell on the host as it is being connected to; its connection is closed here
 * @param patience milliseconds to wait for the answer once the host has let us in
 * @throws {HostError} when it cannot be reached, sudo refuses the password, or no answer comes
 */
export const askHost = async (
  connection: Connection,
  question: ProbeQuestion,
  opened: Promise<AskedHost>,
  patience = PATIENCE,
): Promise<Facts> => {
  const nonce = randomBytes(9).toString("hex");
  const asked = questionValues(question, nonce);
  const text = [
    ...Object.entries(asked).map(([name, values]) => `${name}=${quote(values.join("\n"))}`),
    probeScript(question.survey === true),
  ].join("\n");
  const wanted = { script: text, program: probeCall("ask"), input: questionLines(asked) };
  const host = await opened;
  const name = `${connection.user}@${connection.host}`;
  const answer = host.ask(elevated(wanted, connection.sudoPassword));
  const result = await inTime(name, answer, patience).finally(host.end);
  if (result.code !== 0 && result.stdout.length === 0)
    throw new HostError(
      name,
      `the probe did not run (exit status ${result.code}): ${result.stderr.trim().slice(0, 500)}`,
      /sudo/.test(result.stderr)
        ? remedies(connection).sudo
        : "the login needs a POSIX shell that can run commands",
    );
  try {
    return parseProbe(result.stdout, nonce, question.excerpts);
  } catch (error) {
    throw new HostError(
      name,
      error instanceof Error ? error.message : String(error),
      "run it again; if it stays, run 'vfio-fleet inspect' and report what it says",
    );
  }
};
