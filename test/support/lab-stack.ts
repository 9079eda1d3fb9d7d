import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { startHost, stopHost } from "../../lab/host.ts";
import type { HostName } from "../../lab/hosts.ts";
import { sshOutput } from "../../lab/access/ssh.ts";
import { pulumi, startPulumi, type PulumiResult, type PulumiRun } from "./pulumi.ts";

type Settings = Record<string, unknown>;

/** A lab host with a stack of its own, described like a stack of the project. */
export interface LabStack {
  readonly host: string;
  /** Changes the stack's description of its host; the identity function undoes it. */
  describe(change: (host: Settings) => Settings): void;
  preview(...args: readonly string[]): Promise<PulumiResult>;
  up(...args: readonly string[]): Promise<PulumiResult>;
  /** An `up` that can be interrupted. */
  startUp(): PulumiRun;
  destroy(): Promise<PulumiResult>;
  /** Removes the lock of a killed Pulumi on the stack's state. */
  cancel(): Promise<PulumiResult>;
  /** Runs a command on the host over plain ssh; throws if the command fails. */
  read(command: string): Promise<string>;
  remove(): Promise<void>;
}

/**
 * Starts a fresh instance of a lab host and makes an empty stack for it.
 * @param stackFile the project's stack whose description is used, under another name
 */
export const startLabStack = async (
  description: HostName,
  stackFile: string,
  name: string,
): Promise<LabStack> => {
  const config = parse(readFileSync(`stacks/Pulumi.${stackFile}.yaml`, "utf8")) as {
    config: { "vfio-fleet:hosts": Record<string, Settings> };
    encryptionsalt: string;
  };
  const original = config.config["vfio-fleet:hosts"][stackFile];
  if (!original) throw new Error(`stack ${stackFile} has no host of its name`);
  // Beside the project's stacks, where Pulumi looks for it; git ignores stacks of tests.
  const file = `stacks/Pulumi.${name}.yaml`;
  const describe = (change: (host: Settings) => Settings): void => {
    const connection = { host: name, sshConfig: ".lab/ssh_config" };
    const hosts = { [name]: change({ ...original, connection }) };
    writeFileSync(
      file,
      stringify({ config: { "vfio-fleet:hosts": hosts }, encryptionsalt: config.encryptionsalt }),
    );
  };
  describe((host) => host);
  const where = ["--stack", name];
  // Leftovers of a killed run.
  await pulumi("cancel", "--yes", name);
  await pulumi("stack", "rm", "--force", "--yes", "--preserve-config", ...where);
  const made = await pulumi("stack", "init", ...where);
  if (made.code !== 0) throw new Error(made.output);
  await startHost(description, { as: name, fresh: true, lifetime: "process", onProgress: console.log });
  return {
    host: name,
    describe,
    preview: (...args) => pulumi("preview", "--diff", ...where, ...args),
    up: (...args) => pulumi("up", "--yes", "--skip-preview", ...where, ...args),
    startUp: () => startPulumi(["up", "--yes", "--skip-preview", ...where]),
    destroy: () => pulumi("destroy", "--yes", "--skip-preview", ...where),
    cancel: () => pulumi("cancel", "--yes", name),
    read: (command) => sshOutput(name, command),
    remove: async () => {
      await stopHost(name);
      await pulumi("stack", "rm", "--force", "--yes", ...where);
      rmSync(file, { force: true });
    },
  };
};
