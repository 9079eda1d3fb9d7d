import type { Facts } from "../../components/facts/facts.ts";

const ASKED = {
  kernelLog: "the kernel's log",
  bootFramebuffer: "who holds the firmware's frame buffer",
  paths: "the domains' definitions, files and ROMs",
  domainLogs: "QEMU's log",
  holders: "which processes hold cards",
} as const;

/** Facts that could not be read. They are listed so that nobody takes silence for an answer. */
export const unknowns = (facts: Facts): string[] => {
  const { survey } = facts;
  if (!survey) return ["everything that only the survey reads"];
  return (Object.keys(ASKED) as (keyof typeof ASKED)[])
    .filter((name) => survey[name] === undefined)
    .map((name) => ASKED[name]);
};
