/** What is known of a lab host between two commands: a small file in the host's folder. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { hostDir, hostsDir } from "../paths.ts";
import { replaceFile } from "../replace-file.ts";
import { isRunning } from "./process.ts";
import { HOST_FILES } from "./qemu-args.ts";

const STATE = z.strictObject({
  /** The instance's name, which is also its SSH name. */
  name: z.string(),
  /** The description's name in hosts.ts. */
  description: z.string(),
  /** The id of the image below its disk. */
  image: z.string(),
  /** The snapshot from which its disk started. */
  from: z.string().optional(),
  sshPort: z.int(),
  /** The QEMU process of the last start. It may have ended since. */
  process: z.strictObject({ pid: z.int(), startTime: z.number(), machineBoot: z.string() }).optional(),
});
export type HostState = z.infer<typeof STATE>;

export const readState = (name: string): HostState | undefined => {
  const file = join(hostDir(name), HOST_FILES.state);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const parsed = STATE.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new Error(`this version cannot read ${file}; remove the host with npm run lab -- down ${name}`);
};

export const writeState = (state: HostState): void =>
  replaceFile(
    join(hostDir(state.name), HOST_FILES.state),
    `${JSON.stringify(STATE.parse(state), null, 2)}\n`,
  );

/** The states of all hosts that have a disk, running or not, by name. */
export const readStates = (): HostState[] => {
  let names: string[];
  try {
    names = readdirSync(hostsDir()).sort();
  } catch {
    return [];
  }
  return names.flatMap((name) => readState(name) ?? []);
};

export const isHostRunning = (state: HostState): boolean =>
  state.process !== undefined && isRunning(state.process, hostDir(state.name));
