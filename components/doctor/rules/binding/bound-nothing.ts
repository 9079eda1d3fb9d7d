import { BIND_LIST } from "../../../plan/kernel/binding.ts";
import { isCompiledIn } from "../../../plan/kernel/compiled-in.ts";
import { fileSettings, idClaims, takesTwins } from "../../../plan/kernel/leftovers.ts";
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

/** Those of an id that vfio-pci has none of; of an id that takes twins another rule tells. */
const byId = (facts: Facts): PciDevice[] =>
  idClaims(facts, fileSettings(facts))
    .filter((claim) => !takesTwins(facts, claim))
    .flatMap(({ devices }) => devices);

export const boundNothing = {
  id: "bound-nothing",
  title: "A card was to go to vfio-pci, and is not there",
  looksAt: "/etc/vfio-fleet/bind and ids= in modprobe.d, the drivers of those functions",
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
      ...(isCompiledIn(facts, device)
        ? {
            found: `it has the driver ${device.driver}, which is compiled into the kernel and has it before any module loads`,
            remedy:
              "run pulumi up: the boot script takes the function from that driver; ids= and softdeps cannot",
          }
        : { found: `it has ${device.driver === null ? "no driver" : `the driver ${device.driver}`}` }),
    }));
  },
} as const satisfies Rule;
