import { BIND_LIST } from "../../../plan/kernel/binding.ts";
import type { Facts, PciDevice } from "../../../facts/facts.ts";
import type { Rule } from "../../rule.ts";

/** The functions that the bind list names, where they are what it says. */
const listed = (facts: Facts): PciDevice[] =>
  (facts.files[BIND_LIST]?.content ?? "").split("\n").flatMap((line) => {
    const [address, id, subsystem] = line.split(" ");
    return facts.pci.filter(
      (device) => device.address === address && device.id === id && device.subsystem === subsystem,
    );
  });

/** Those of an id in /etc/modprobe.d that vfio-pci has none of; of twins the other may be meant. */
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
  title: "A card was to go to vfio-pci, and is not there",
  looksAt: "/etc/vfio-fleet/bind and ids= in /etc/modprobe.d, the drivers of those functions",
  explanation:
    "Files alone bind nothing: the initramfs has to be built anew from them and the host booted with it, and a driver that loads first keeps the card. Tools that stop at the file say that all is well.",
  remedy:
    "run pulumi up, or build the initramfs and reboot; vfio_fleet=off on the kernel command line switches the binding off",
  source: "ROCm/gpu-operator#417; cozystack/cozystack#2763; harvester/harvester#11355",
  find: ({ facts, given }) => {
    // of these another rule tells
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
