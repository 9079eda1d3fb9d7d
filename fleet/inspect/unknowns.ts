import type { Facts } from "../../components/facts/facts.ts";

const ASKED = {
  kernelLog: "the kernel's log",
  bootFramebuffer: "who holds the firmware's screen memory",
  paths: "the domains' definitions, files and ROMs",
  domainLogs: "what QEMU said",
  holders: "which processes hold cards",
} as const;

/** What could not be read, so that nothing that is not said is taken for an answer. */
export const unknowns = (facts: Facts): string[] => {
  const { survey } = facts;
  if (!survey) return ["everything beyond what a plan looks at"];
  return (Object.keys(ASKED) as (keyof typeof ASKED)[])
    .filter((name) => survey[name] === undefined)
    .map((name) => ASKED[name]);
};
