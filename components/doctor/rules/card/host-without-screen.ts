import { isDisplay } from "../../../facts/pci.ts";
import type { Rule } from "../../rule.ts";

export const hostWithoutScreen = {
  id: "host-without-screen",
  title: "The host's screen stays frozen after the boot",
  looksAt: "the drivers of all display functions",
  explanation:
    "Every card of the host is bound to vfio-pci. Firmware and boot menu are still drawn, then the picture stops, mostly at “Loading initial ramdisk”. The host looks hung, but it is running.",
  remedy:
    "reach the host over the network or a serial console; vfio_fleet=off on the kernel command line gives the screen back for one boot",
  source: "uwzis/GPU-Passthrough-Manager#45, #26",
  find: ({ facts }) => {
    const displays = facts.pci.filter(isDisplay);
    if (displays.length === 0 || displays.some((device) => device.driver !== "vfio-pci")) return [];
    return [
      {
        subject: "screen",
        verdict: "expected" as const,
        found: `vfio-pci has ${displays.map((device) => device.address).join(", ")}, and the host has no other display`,
      },
    ];
  },
} as const satisfies Rule;
