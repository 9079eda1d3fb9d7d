import type { Facts, HostFile } from "../facts/facts.ts";

/**
 * One thing to be so on a host. A step is data: what the agent on the host is asked to do (`verb`, `args`,
 * `input`), how it is undone, what has to come first, and whether the host is already so.
 */
export interface Step {
  /** unique on the host; a file's key is its path; also the name of the resource, and of the receipt on the host */
  readonly key: string;
  /** the agent's verb that makes it so, and the words behind it */
  readonly verb: string;
  readonly args: readonly string[];
  /** what the verb reads from its standard input: a file's content, the effects to prove, a domain's XML */
  readonly input?: string;
  /** the agent's words that put back what was there before */
  readonly undo?: readonly string[];
  /** keys of steps that have to be done first (and undone later) */
  readonly after: readonly string[];
  /** what the host shows against what is wanted, when it differs from what an earlier run left there */
  readonly drift?: Drift;
  /** what the stack wants that it did not want when the step was last taken: a change of the stack, no drift */
  readonly nowWanted?: string;
  /** true when the host already shows the effect */
  readonly inPlace: boolean;
  /** what the person who runs the program has agreed to in this run; the verb finds it in the token */
  readonly consent?: "reboot";
  /** upper limit of the verb's run time in minutes; the default is the plugin's own */
  readonly minutes?: number;
  /** what the verb prints is for the program, not for the person who watches */
  readonly quiet?: boolean;
  /** input and output are base64 of bytes: nothing to read in a diff, so they are kept out of it */
  readonly binary?: boolean;
  /** the connection is expected to be refused for so long until the host is back */
  readonly patient?: boolean;
}

export type Drift =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly found: string | undefined;
      readonly wanted: string;
    }
  | { readonly kind: "state"; readonly found: string; readonly wanted: string };

/** The key of the step that installs the agent, which does all others. */
export const AGENT_KEY = "host agent";

/** A receipt's file name on the host: the key without slashes; the agent writes its own under a shorter name. */
export const receiptName = (key: string): string =>
  key === AGENT_KEY ? "agent" : key.replaceAll("/", "%").replaceAll(" ", "_");

/**
 * The token a step is called with. It is an input of the resource, so a changed token makes the engine call the step
 * again, and it is written to the host by the step itself, so the next preview reads it back and is clean:
 * - the host is so and has a receipt: the receipt's token, nothing to do;
 * - otherwise (first time, drift, lost receipt): `run`, which is new with every run; see components/plan/run-token.ts.
 */
export const tokenFor = (
  facts: Facts,
  step: Pick<Step, "key" | "inPlace" | "consent">,
  run: string,
): string => {
  const receipt = facts.receipts[receiptName(step.key)];
  if (step.inPlace && receipt) return receipt.token;
  return step.consent ? `${run}+${step.consent}` : run;
};

/** The word that tells the agent under which key it leaves the step's receipt. */
export const keyWord = ({ key }: Pick<Step, "key">): string => `key=${key}`;

/** The word that tells the agent how much there is to read: a connection that is cut ends its input too early. */
export const lengthOf = (input: string): string => `bytes=${Buffer.byteLength(input)}`;

/** Whether this run takes the step: the engine calls it because its token is new. */
export const isDue = (facts: Facts, step: Pick<Step, "key" | "inPlace">): boolean =>
  !(step.inPlace && facts.receipts[receiptName(step.key)]);

export interface ManagedFile {
  readonly path: string;
  /** octal digits, e.g. `644` */
  readonly mode: "644" | "755" | "600";
  readonly content: string;
}

/** Mode and owner: a file that somebody else may write to runs or configures what root does. */
const access = ({ mode, owner }: Pick<HostFile, "mode" | "owner">): string => `mode ${mode}, owner ${owner}`;

/** A file that is wholly ours: written atomically, the one it replaces kept and put back by undo. */
export const fileStep = (facts: Facts, file: ManagedFile, after: readonly string[] = []): Step => {
  const { path } = file;
  const found = facts.files[path];
  const sameContent = found?.content === file.content;
  const wantedAccess = access({ mode: file.mode, owner: "root" });
  const inPlace = sameContent && access(found) === wantedAccess;
  const written = facts.receipts[receiptName(path)];
  const drift: Drift = sameContent
    ? { kind: "state", found: `${path}: ${access(found)}`, wanted: wantedAccess }
    : { kind: "file", path, found: found?.content, wanted: file.content };
  return {
    key: path,
    verb: "file",
    args: [path, file.mode],
    input: file.content,
    undo: ["unfile", path],
    after,
    inPlace,
    // a file whose content changed because the stack did is no drift: the host still has what was written last
    ...(!inPlace && written && (sameContent || written.notes["sha256"] !== found?.sha256) && { drift }),
  };
};
