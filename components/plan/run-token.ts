import { AGENT_KEY, type Step } from "./step.ts";

/** Who runs the program: this is what another run finds on a host that this one works on. */
export interface Runner {
  readonly moment: Date;
  readonly user: string;
  readonly machine: string;
  /** id of a process that lives as long as the run */
  readonly process: number;
  readonly stack: string;
}

/** Nothing that separates the token's parts, or that a shell or a boot loader would read. */
const plain = (text: string): string => text.replaceAll(/[^A-Za-z0-9_.-]/g, "-");

/** `user@machine` as it stands in tokens and locks. */
export const runnerName = (user: string, machine: string): string => `${plain(user)}@${plain(machine)}`;

/**
 * What all steps of one run have as their token: MOMENT,USER@MACHINE,PROCESS,STACK,STEPS. The host tells runs apart by
 * it, and after STEPS steps it knows that the run is over (components/agent/lock.sh).
 * @param due the steps that this run takes on the host; the lock does not count the agent's installation
 */
export const runToken = (
  { moment, user, machine, process, stack }: Runner,
  due: readonly Pick<Step, "key">[],
): string => {
  const steps = due.filter(({ key }) => key !== AGENT_KEY).length;
  return [moment.toISOString(), runnerName(user, machine), process, plain(stack), steps].join(",");
};
