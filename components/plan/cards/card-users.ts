import { domainView } from "../domain/domain-view.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import { parsePciAddress, slotOf } from "../../facts/pci.ts";

/** Who has a card, or has it in its definition. */
export interface CardUser {
  readonly kind: "domain" | "proxmox" | "process";
  readonly name: string;
  /** a domain that only lists the card does not keep it */
  readonly running: boolean;
}

const proxmoxSlot = (text: string): string =>
  /^[0-9a-f]{4}:/i.test(text) ? text.toLowerCase() : `0000:${text.toLowerCase()}`;

/** Every user of the functions of one card, the ones that hold it now first. */
export const cardUsers = (facts: Facts, functions: readonly PciDevice[]): CardUser[] => {
  const own = new Set<string>(functions.map((device) => device.address));
  const slots = new Set(functions.map((device) => slotOf(device.address)));
  const groups = new Set(functions.flatMap((device) => device.iommuGroup ?? []));
  const domains = facts.libvirt.domains.flatMap((domain): CardUser[] => {
    const found = domainView(domain);
    return found?.hostdevs.some(({ address }) => own.has(address))
      ? [{ kind: "domain", name: domain.name, running: domain.running }]
      : [];
  });
  const guests = (facts.survey?.proxmox ?? []).flatMap((guest): CardUser[] =>
    guest.hostpci.map(proxmoxSlot).some((at) => slots.has(at) || own.has(parsePciAddress(at) ?? ""))
      ? [{ kind: "proxmox", name: `${guest.name} (${guest.id})`, running: guest.running }]
      : [],
  );
  const minors = new Set(
    (facts.survey?.nvidia ?? []).flatMap(({ address, minor }) =>
      own.has(address) && minor !== null ? [`/dev/nvidia${minor}`] : [],
    ),
  );
  // QEMU of a domain or guest that is listed already holds the group as well
  const listed = [...domains, ...guests].some((user) => user.running);
  const processes = (facts.survey?.holders ?? []).flatMap(({ file, pid, command }): CardUser[] => {
    const group = /^\/dev\/vfio\/(\d+)$/.exec(file)?.[1];
    const holds = minors.has(file) || (group !== undefined && groups.has(Number(group)) && !listed);
    return holds ? [{ kind: "process", name: `${command} (process ${pid})`, running: true }] : [];
  });
  return [...domains, ...guests, ...processes].sort((a, b) => Number(b.running) - Number(a.running));
};
