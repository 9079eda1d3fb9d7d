import { parseCmdline } from "../../../facts/cmdline.ts";
import type { Rule } from "../../rule.ts";

export const efifbOffIgnored = {
  id: "efifb-off-ignored",
  title: "video=efifb:off has no effect here",
  looksAt: "the kernel command line, the framebuffers in use",
  explanation:
    "The argument turns off efifb, which current kernels no longer use for the firmware's screen. They use simpledrm instead, which does not know the argument.",
  remedy:
    "remove the argument. vfio-pci frees a VGA card from the firmware's screen by itself; if it cannot, initcall_blacklist=sysfb_init works on some kernels",
  source: "Linux: drivers/gpu/drm/tiny/simpledrm.c, drivers/firmware/sysfb.c",
  find: ({ facts, survey }) => {
    const set = parseCmdline(facts.cmdline).find((argument) => /^video=(efifb|vesafb):off/.test(argument));
    return set !== undefined && survey.framebuffers.some((name) => name.startsWith("simpledrm"))
      ? [{ subject: set, verdict: "risk" as const, found: "simpledrm holds the screen" }]
      : [];
  },
} as const satisfies Rule;
