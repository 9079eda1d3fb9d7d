import type { Rule } from "../../rule.ts";

export const evmcsOnAmd = {
  id: "evmcs-on-amd",
  title: "A domain enables Intel's evmcs on another maker's processor",
  looksAt: "the Hyper-V features of domains, the processor's maker",
  explanation:
    "evmcs makes Hyper-V inside the guest faster with a structure that only Intel's VT-x has. Lists of “all enlightenments” contain it, but QEMU refuses to start with it on AMD.",
  remedy: "remove <evmcs/> from <hyperv>; all other features work on both makers' processors",
  source: "QEMU: docs/system/i386/hyperv.rst, hv-evmcs",
  find: ({ facts, domains }) =>
    facts.cpu.vendor === "intel"
      ? []
      : domains
          .filter(({ evmcs }) => evmcs)
          .map(({ name }) => ({
            subject: name,
            verdict: "fault" as const,
            found: `evmcs is on, but the processor is ${facts.cpu.model}`,
          })),
} as const satisfies Rule;
