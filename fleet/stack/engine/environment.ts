import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PROJECT } from "../stack-file.ts";
import type { HostSpec } from "../../../components/host/host-spec.ts";
import { isLabConnection } from "../../../components/ssh/lab-host.ts";

const run = promisify(execFile);

export type Environment = Readonly<Record<string, string>>;

const own = (): Environment =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

let toolchain: Promise<Environment> | undefined;

/** The environment of `npm run pulumi`: the project's own Pulumi, the lab's state and passphrase. */
const toolchainEnvironment = (): Promise<Environment> =>
  (toolchain ??= run("bash", ["-c", ". toolchain/environment.sh && exec env -0"], {
    cwd: PROJECT,
    maxBuffer: 16 * 1024 * 1024,
  }).then(({ stdout }) =>
    Object.fromEntries(
      stdout.split("\0").flatMap((line) => {
        const at = line.indexOf("=");
        return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
      }),
    ),
  ));

/** Whether all hosts of a stack are lab hosts: the lab writes the ssh_config that reaches them. */
export const isLabStack = (hosts: Readonly<Record<string, HostSpec>>): boolean =>
  Object.values(hosts).some(({ connection }) => isLabConnection(connection));

/**
 * Less garbage collection for Pulumi's CLI and plugins, which live for seconds and whose heap starts empty. A first
 * apply takes a tenth less processor time, for 28 MiB more an engine (Go: runtime, GOGC). `npm run bench` shows both.
 */
const SHORT_LIVED: Environment = { GOGC: "300" };

/** The environment for a stack's Pulumi: the user's, or for a stack of lab hosts the project's own. */
export const environmentOf = async (hosts: Readonly<Record<string, HostSpec>>): Promise<Environment> => ({
  ...SHORT_LIVED,
  ...(isLabStack(hosts) ? await toolchainEnvironment() : own()),
});
