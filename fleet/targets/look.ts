import { lookAtHost, type Ask, type HostObjection } from "../../components/host/look.ts";
import { hostState, type HostState } from "../stack/clean/settled.ts";
import type { Target } from "./target.ts";

/** One host and how far it is, or why it could not be asked or the plan refuses it. */
export type TargetLook =
  | { readonly ok: true; readonly name: string; readonly state: HostState }
  | HostObjection;

/** Looks at one host of a stack as the program does. */
export const lookAtTarget = async (
  stack: string,
  { name, spec, connection }: Target,
  ask?: Ask,
): Promise<TargetLook> => {
  if (spec === undefined) return { ok: false, name, message: "no stack describes this host" };
  const look = await lookAtHost({ stack, name, spec, connection }, ask);
  return look.ok ? { ok: true, name, state: hostState(look) } : look;
};

/** What stands against a host at all. */
export const objection = (look: TargetLook): string | undefined => (look.ok ? undefined : look.message);

/** Settled hosts with their states; undefined when any is not. */
export const allSettled = (
  looks: readonly TargetLook[],
):
  | readonly { readonly name: string; readonly state: HostState & { readonly kind: "settled" } }[]
  | undefined => {
  const settled = looks.flatMap((look) =>
    look.ok && look.state.kind === "settled" ? [{ name: look.name, state: look.state }] : [],
  );
  return settled.length === looks.length ? settled : undefined;
};
