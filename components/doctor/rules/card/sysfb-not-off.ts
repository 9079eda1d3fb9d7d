import { parseCmdline } from "../../../facts/cmdline.ts";
import type { Rule } from "../../rule.ts";

export const sysfbNotOff = {
  id: "sysfb-not-off",
  title: "initcall_blacklist=sysfb_init has no effect here",
  looksAt: "the kernel command line, BOOTFB in /proc/iomem, the framebuffers in use",
  explanation:
    "The argument keeps the kernel from taking over the firmware's screen. It names a function inside the kernel, which may change. On some kernels (for example 6.18) it does nothing, and the screen's memory stays reserved.",
  remedy:
    "remove the argument and let vfio-pci free the card itself; if that fails, make another card the firmware's primary display",
  source: "Linux: drivers/firmware/sysfb.c; siderolabs/talos#14356",
  find: ({ facts, survey }) => {
    const set = parseCmdline(facts.cmdline).find((argument) =>
      /^initcall_blacklist=(.*,)?sysfb_init(,|$)/.test(argument),
    );
    const screen =
      survey.bootFramebuffer?.name ??
      survey.framebuffers.find((name) => /^(simpledrm|efifb|EFI VGA|VESA VGA|simple)/i.test(name));
    return set === undefined || screen === undefined
      ? []
      : [{ subject: set, verdict: "risk" as const, found: `${screen} holds the firmware's screen` }];
  },
} as const satisfies Rule;
