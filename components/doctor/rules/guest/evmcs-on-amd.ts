import type { Rule } from "../../rule.ts";

export const evmcsOnAmd = {
  id: "evmcs-on-amd",
  title: "A domain asks for Intel's evmcs on another processor",
  looksAt: "the Hyper-V features of domains, the processor's maker",
  explanation:
    "evmcs makes Hyper-V inside the guest faster, by a structure that only Intel's VT-x has. Lists of “all enlightenments” name it; QEMU then refuses to start on AMD.",
  remedy: "take <evmcs/> out of <hyperv>; all others work on both makers' processors",
  source: "QEMU: docs/system/i386/hyperv.rst, hv-evmcs",
  find: ({ facts, domains }) =>
    facts.cpu.vendor === "intel"
      ? []
      : domains
          .filter(({ evmcs }) => evmcs)
          .map(({ name }) => ({
            subject: name,
            verdict: "fault" as const,
            found: `evmcs is on, and the processor is ${facts.cpu.model}`,
          })),
} as const satisfies Rule;
