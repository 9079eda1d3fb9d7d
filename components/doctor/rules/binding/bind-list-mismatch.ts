import { BIND_LIST } from "../../../plan/kernel/binding.ts";
import type { Rule } from "../../rule.ts";

export const bindListMismatch = {
  id: "bind-list-mismatch",
  title: "Another device stands where the bind list expects a card",
  looksAt: "/etc/vfio-fleet/bind against the host's PCI devices",
  explanation:
    "The boot script binds a function only when vendor, device and subsystem are the listed ones. After a renumbered bus or a changed card it leaves the device alone rather than take the wrong one, and nothing is bound.",
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
