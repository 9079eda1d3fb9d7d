import type { FoundHost } from "../../../components/host/look.ts";
import { receiptName } from "../../../components/plan/step.ts";

/**
 * What a plan makes of a host:
 * - `settled`: the host shows every effect and has the receipt of every step, so no step gets a new token; `declared` is
 *   all that the program would declare for it
 * - `open`: some step would be called
 */
export type HostState =
  | {
      readonly kind: "settled";
      readonly declared: unknown;
      readonly tokens: Readonly<Record<string, string>>;
    }
  | { readonly kind: "open"; readonly steps: readonly string[]; readonly drift: readonly string[] };

/** How far a host is that the program would declare. */
export const hostState = ({ name, connection, facts, verdict }: FoundHost): HostState => {
  const { plan, due, drift } = verdict;
  if (due.length > 0)
    return { kind: "open", steps: due.map(({ key }) => key), drift: drift.map(({ key }) => key) };
  const { drivers, steps, ...declared } = plan;
  return {
    kind: "settled",
    declared: {
      name,
      connection,
      privilege: facts.privilege,
      drivers: Object.values(drivers).map((driver) => driver.name),
      ...declared,
    },
    tokens: Object.fromEntries(
      steps.map(({ key }) => [key, facts.receipts[receiptName(key)]?.token ?? ""] as const),
    ),
  };
};
