import { BIND_LIST } from "../../../plan/kernel/binding.ts";
import type { Rule } from "../../rule.ts";

export const bindListMismatch = {
  id: "bind-list-mismatch",
  title: "The bind list expects a card, but another device is there",
  looksAt: "/etc/vfio-fleet/bind compared with the host's PCI devices",
  explanation:
    "The boot script binds a function only if vendor, device and subsystem match the list. After a renumbered bus or a changed card it binds nothing, because it might bind the wrong device.",
  remedy: "correct the card's address or ids in the stack file and run pulumi up",
  source: "QubesOS/qubes-issues#7792; components/plan/kernel/binding.ts",
  find: ({ facts }) =>
    (facts.files[BIND_LIST]?.content ?? "")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .flatMap((line) => {
        const [address = "", id = "", subsystem = ""] = line.split(" ");
        const device = facts.pci.find((one) => one.address === address);
        if (device?.id === id && device.subsystem === subsystem) return [];
        return [
          {
            subject: address,
            verdict: "fault" as const,
            found: device
              ? `expected ${id} (${subsystem}), found ${device.id} (${device.subsystem})`
              : `expected ${id}, found no device`,
          },
        ];
      }),
} as const satisfies Rule;
