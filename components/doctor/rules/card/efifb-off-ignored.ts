import { parseCmdline } from "../../../facts/cmdline.ts";
import type { Rule } from "../../rule.ts";

export const efifbOffIgnored = {
  id: "efifb-off-ignored",
  title: "video=efifb:off does nothing here",
  looksAt: "the kernel command line, the framebuffers in use",
  explanation:
    "The argument silenced a driver that current kernels no longer use for the firmware's screen: simpledrm takes it instead and does not know the argument.",
  remedy:
    "take it away. vfio-pci frees a VGA card from the firmware's screen by itself; where it cannot, initcall_blacklist=sysfb_init works on some kernels",
  source: "Linux: drivers/gpu/drm/tiny/simpledrm.c, drivers/firmware/sysfb.c",
  find: ({ facts, survey }) => {
    const set = parseCmdline(facts.cmdline).find((argument) => /^video=(efifb|vesafb):off/.test(argument));
    return set !== undefined && survey.framebuffers.some((name) => name.startsWith("simpledrm"))
      ? [{ subject: set, verdict: "risk" as const, found: "the screen is held by simpledrm" }]
      : [];
  },
} as const satisfies Rule;
