import { domainView } from "../../components/plan/domain/domain-view.ts";
import type { Facts } from "../../components/facts/facts.ts";
import { formatKib, shortAddress } from "../ground/format.ts";
import { formatTable, type Paint, printable } from "../ground/terminal.ts";

const HEAD = ["Domain", "State", "Autostart", "Firmware", "Machine", "CPUs", "Memory", "Cards"] as const;

/** A table of libvirt's domains and Proxmox's guests, with the host functions in their definitions. */
export const domainTable = (facts: Facts, paint: Paint): string => {
  const state = (running: boolean): string => (running ? paint("green", "running") : "off");
  const domains = facts.libvirt.domains.map((domain) => {
    const view = domainView(domain);
    return [
      printable(domain.name),
      state(domain.running),
      domain.autostart ? "yes" : "no",
      ...(view
        ? [
            view.uefi ? `UEFI${view.secureBoot ? ", Secure Boot" : ""}` : "BIOS",
            printable(view.machine),
            String(view.vcpus),
            formatKib(view.memoryKiB),
            view.hostdevs.map(({ address }) => shortAddress(address)).join(" "),
          ]
        : ["unknown", "unknown", "?", "?", "unknown"]),
    ];
  });
  const guests = (facts.survey?.proxmox ?? []).map((guest) => [
    printable(`${guest.name} (${guest.id})`),
    state(guest.running),
    guest.onboot ? "yes" : "no",
    guest.bios === "ovmf" ? "UEFI" : "BIOS",
    printable(guest.machine ?? "default"),
    "",
    "",
    printable(guest.hostpci.map(shortAddress).join(" ")),
  ]);
  return formatTable(HEAD, [...domains, ...guests], paint);
};
