import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import PQueue from "p-queue";
import { formatProblems } from "../../components/facts/problem.ts";
import { surveyQuestion } from "../../components/host/host-survey.ts";
import { probeHost } from "../../components/probe/probe-host.ts";
import { HostError } from "../../components/ssh/host-error.ts";
import { CommandError } from "../ground/command-error.ts";
import { counted } from "../ground/format.ts";
import { PROJECT, stackNames } from "../stack/stack-file.ts";
import { targetsOf } from "../targets/target.ts";
import { pciNames } from "../ground/pci-names.ts";
import { printable } from "../ground/terminal.ts";
import { describeFsError } from "../ground/fs-error.ts";
import { writeNewFile } from "../ground/write-file.ts";
import { parseHostsFile, stackName, type NewStack } from "./hosts-file.ts";
import { stackText } from "./stack-text.ts";

/** The options as the command line gives them. */
export interface InitOptions {
  readonly host?: string;
  readonly from?: string;
  readonly identity?: string;
  readonly hostKey?: string;
  readonly sshConfig?: string;
  readonly label?: readonly string[];
}

/** Number of hosts that are probed in parallel. */
const AT_A_TIME = 32;

const fail = (message: string): never => {
  throw new CommandError(message);
};

const fromArguments = (stack: string, { host = "", label = [] }: InitOptions): NewStack => {
  const name = stackName.safeParse(stack);
  if (!name.success) fail(`"${printable(stack)}": ${name.error.issues[0]?.message}`);
  return {
    stack,
    host,
    labels: Object.fromEntries(
      label.map((text) => {
        const at = text.indexOf("=");
        return at > 0
          ? [text.slice(0, at), text.slice(at + 1)]
          : fail(`"${printable(text)}" is not a label; expected KEY=VALUE`);
      }),
    ),
  };
};

const wanted = (stack: string | undefined, options: InitOptions): readonly NewStack[] => {
  if (options.from !== undefined) {
    if (stack !== undefined || options.host !== undefined)
      fail("a stack with --host and --from FILE were both given; give one of them");
    let text: string;
    try {
      text = readFileSync(options.from, "utf8");
    } catch (error) {
      throw describeFsError(error, options.from, "read");
    }
    const parsed = parseHostsFile(text, printable(options.from));
    return parsed.ok
      ? parsed.value
      : fail(formatProblems("the list of hosts", parsed.problems, "nothing was written"));
  }
  if (stack === undefined || options.host === undefined)
    return fail("give a stack name with --host, or --from FILE for many hosts");
  return [fromArguments(stack, options)];
};

const target = ({ host, user, port }: NewStack): string =>
  `${user === undefined ? "" : `${user}@`}${host.includes(":") && !/:\d+$/.test(host) ? `[${host}]` : host}${port === undefined ? "" : `:${port}`}`;

/** Probes one host and writes its stack file. Returns the next steps for the user. */
const makeOne = async (made: NewStack, options: InitOptions): Promise<string> => {
  const identity = made.identity ?? options.identity;
  const hostKey = made.hostKey ?? options.hostKey;
  const text = target(made);
  const [found] = await targetsOf(/[@:]/.test(text) ? text : `ssh://${text}`, {
    ...(identity !== undefined && { identity: resolve(identity) }),
    ...(hostKey !== undefined && { hostKey }),
    ...(options.sshConfig !== undefined && { sshConfig: options.sshConfig }),
  });
  if (!found) return fail(`${text} is not a host; expected host, user@host or user@host:port`);
  if (!found.connection.ok) return fail(formatProblems(made.stack, found.connection.problems));
  let connection = found.connection.value;
  const approved = connection.hostKey !== undefined;
  const ask = () => probeHost(connection, surveyQuestion());
  const facts = await ask().catch((error: unknown) => {
    if (!(error instanceof HostError) || error.offered === undefined) throw error;
    // Before the key is approved the host is only probed: no secret is sent and nothing changes.
    connection = { ...connection, hostKey: error.offered };
    return ask();
  });
  const { stack, labels } = made;
  const file = `stacks/Pulumi.${stack}.yaml`;
  writeNewFile(
    resolve(PROJECT, file),
    stackText({ stack, labels, connection, approved, facts, names: pciNames() }),
  );
  return approved
    ? `${file}: check its cards, then run vfio-fleet preview ${stack}`
    : `${file}: check its cards, compare the host key (${printable(connection.hostKey ?? "")}), remove the # in front of it, then run vfio-fleet preview ${stack}`;
};

/** `vfio-fleet init`. Returns the exit status, 1 when a host could not be probed. Throws a CommandError. */
export const init = async (stack: string | undefined, options: InitOptions): Promise<number> => {
  const stacks = wanted(stack, options);
  const known = stackNames();
  const there = stacks.filter((made) => known.includes(made.stack)).map((made) => made.stack);
  if (there.length > 0)
    fail(
      `these stack files exist already: ${there.join(", ")}; init overwrites no file, so remove them or choose other names`,
    );
  const queue = new PQueue({ concurrency: AT_A_TIME });
  const results = await Promise.all(
    stacks.map((made) =>
      queue.add(async () => {
        try {
          console.log(await makeOne(made, options));
          return true;
        } catch (error) {
          console.error(`${made.stack}: ${error instanceof Error ? error.message : String(error)}`);
          return false;
        }
      }),
    ),
  );
  const failed = results.filter((ok) => !ok).length;
  if (failed > 0) console.error(`${counted(failed, "host")} of ${stacks.length} could not be probed`);
  return failed > 0 ? 1 : 0;
};
