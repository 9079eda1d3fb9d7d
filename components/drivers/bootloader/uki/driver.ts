import { STUB_INFO } from "../shared/kernel-cmdline.ts";
import { recognised } from "../shared/recognised.ts";

/** A unified kernel image carries its command line inside, sealed when it is signed (systemd-stub(7)). */
export const unifiedKernelImage = recognised(
  "a unified kernel image",
  {
    looksFor: [STUB_INFO],
    configuredIn: "/etc/kernel/cmdline",
    detect: (facts) => facts.exists.includes(STUB_INFO),
  },
  (_, args) =>
    `put "${args.join(" ")}" at the end of the line in /etc/kernel/cmdline and build the image anew with the tool that made it`,
);
