import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { startHost, stopHost } from "../../lab/host.ts";
import type { HostName } from "../../lab/hosts.ts";
import { sshOutput } from "../../lab/access/ssh.ts";
import { pulumi, startPulumi, type PulumiResult, type PulumiRun } from "./pulumi.ts";

type Settings = Record<string, unknown>;

/** One lab host of its own with a stack of its own, described as a stack of the project is. */
export interface LabStack {
  readonly host: string;
  /** changes what the stack says of its host; undone by calling it with the identity */
  describe(change: (host: Settings) => Settings): void;
  preview(...args: readonly string[]): Promise<PulumiResult>;
  up(...args: readonly string[]): Promise<PulumiResult>;
  /** an `up` that can be interrupted */
  startUp(): PulumiRun;
  destroy(): Promise<PulumiResult>;
  /** takes the lock away that a killed Pulumi left on the stack's state */
  cancel(): Promise<PulumiResult>;
  /** runs a command on the host over plain ssh; it has to succeed */
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
  // beside the project's own, where Pulumi looks; git ignores the ones of tests
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
  // what a run that was killed left behind
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
