import { addressIn, logLines, subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const sleepingCard = {
  id: "sleeping-card",
  title: "The card does not wake up",
  looksAt: "the kernel's log, the power state of cards in domains",
  explanation:
    "Unused cards are put to sleep, and some do not wake from D3cold, mostly behind certain bridges. Reads then return all ones, the ROM cannot be read, and QEMU reports “Unknown PCI header type 127”.",
  remedy:
    "set moduleOptions: {vfio-pci: {disable_idle_d3: 1}}; if that does not help, boot with pcie_port_pm=off",
  source:
    "Linux: drivers/vfio/pci/vfio_pci.c, disable_idle_d3; admin-guide/kernel-parameters.txt, pcie_port_pm",
  find: (patient) => {
    const said = logLines(
      patient,
      /(Unable to change|Refused to change|can't change) power state|Unknown (PCI )?header type|not ready.*after (resume|D3)/i,
    ).map((line) => ({ subject: addressIn(line) ?? "a card", verdict: "fault" as const, found: line }));
    if (said.length > 0) return said;
    return patient.given
      .filter((card) => card.functions.some((device) => device.powerState === "D3cold"))
      .map((card) => ({
        subject: subjectOf(card),
        verdict: "risk" as const,
        found: `${card.functions.find((device) => device.powerState === "D3cold")?.address} is in D3cold`,
      }));
  },
} as const satisfies Rule;
