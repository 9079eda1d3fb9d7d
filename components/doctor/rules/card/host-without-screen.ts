import { isDisplay } from "../../../facts/pci.ts";
import type { Rule } from "../../rule.ts";

export const hostWithoutScreen = {
  id: "host-without-screen",
  title: "The host shows nothing once it has booted",
  looksAt: "the drivers of all display functions",
  explanation:
    "Every card of the host is with vfio-pci. The firmware and the boot menu are still drawn, then the picture stops, mostly at “Loading initial ramdisk”: that looks like a host that hangs and is none.",
  remedy:
    "reach it over the network or a serial console; vfio_fleet=off on the kernel command line gives the screen back for one boot",
  source: "uwzis/GPU-Passthrough-Manager#45, #26",
  find: ({ facts }) => {
    const displays = facts.pci.filter(isDisplay);
    if (displays.length === 0 || displays.some((device) => device.driver !== "vfio-pci")) return [];
    return [
      {
        subject: "screen",
        verdict: "expected" as const,
        found: `vfio-pci has ${displays.map((device) => device.address).join(", ")}, and there is no other`,
      },
    ];
  },
} as const satisfies Rule;
