import { BIND_LIST } from "../../../plan/kernel/binding.ts";
import type { Facts, PciDevice } from "../../../facts/facts.ts";
import type { Rule } from "../../rule.ts";

/** Functions in the bind list whose ids match it. */
const listed = (facts: Facts): PciDevice[] =>
  (facts.files[BIND_LIST]?.content ?? "").split("\n").flatMap((line) => {
    const [address, id, subsystem] = line.split(" ");
    return facts.pci.filter(
      (device) => device.address === address && device.id === id && device.subsystem === subsystem,
    );
  });

/**
 * Devices with an id in /etc/modprobe.d, if vfio-pci has no device of that id. With several equal cards, the list may
 * mean another one.
 */
const byId = (facts: Facts): PciDevice[] =>
  Object.entries(facts.files)
    .filter(([path]) => path.startsWith("/etc/modprobe.d/"))
    .flatMap(([, { content }]) => [...content.matchAll(/^\s*options\s+vfio[-_]pci\s(?:.*\s)?ids=(\S+)/gm)])
    .flatMap(([, ids = ""]) => ids.toLowerCase().split(","))
    .flatMap((id) => {
      const devices = facts.pci.filter((device) => device.id === id.slice(0, 9));
      return devices.some((device) => device.driver === "vfio-pci") ? [] : devices;
    });

export const boundNothing = {
  id: "bound-nothing",
  title: "A card is configured for vfio-pci, but is not bound to it",
  looksAt: "/etc/vfio-fleet/bind and ids= in /etc/modprobe.d, the drivers of those functions",
  explanation:
    "Files alone bind nothing. The initramfs has to be built again from them, the host has to boot it, and a driver that loads first keeps the card. Tools that only write the file report success too early.",
  remedy:
    "run pulumi up, or build the initramfs and reboot; remove vfio_fleet=off from the kernel command line, which switches the binding off",
  source: "ROCm/gpu-operator#417; cozystack/cozystack#2763; harvester/harvester#11355",
  find: ({ facts, given }) => {
    // Another rule reports these devices.
    const relied = new Set<string>(
      given.flatMap(({ hostdevs }) =>
        hostdevs.filter(({ managed }) => !managed).map(({ address }) => address),
      ),
    );
    const lost = [...new Set([...listed(facts), ...byId(facts)])].filter(
      (device) => device.driver !== "vfio-pci" && !relied.has(device.address),
    );
    return lost.map((device) => ({
      subject: device.address,
      verdict: "fault" as const,
      found: `it has ${device.driver === null ? "no driver" : `the driver ${device.driver}`}`,
    }));
  },
} as const satisfies Rule;
