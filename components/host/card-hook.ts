import { readFileSync } from "node:fs";

const shellPart = (name: string): string =>
  readFileSync(new URL(`../agent/${name}.sh`, import.meta.url), "utf8");

/** The hook for libvirt: one program of its own, as libvirt and not the agent runs it. */
export const cardHook = (): string => `${shellPart("card-hook")}\n${shellPart("holders")}\nmain "$@"\n`;
