import { cardFindings } from "./card-findings.ts";
import { cardUsers, type CardUser } from "./card-users.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import { iommuProblems, kernelProblems } from "../kernel/host-findings.ts";
import { functionsOf } from "../../facts/card.ts";
import { iommuActive } from "../../facts/iommu.ts";
import { isDisplay, type PciAddress } from "../../facts/pci.ts";
import { resetFindings } from "./reset.ts";
import { twinsOf } from "../../facts/sriov.ts";

/**
 * Whether a card can be handed to a guest:
 * - `ready`: every function sits on vfio-pci
 * - `possible`: nothing stands against it, it only has to be bound
 * - `headless`: only when the host may lose its screen
 * - `unknown`: the kernel has not switched the IOMMU on, so the groups are not known yet
 * - `no`: something stands against it
 */
export type CardVerdict = "ready" | "possible" | "headless" | "unknown" | "no";

interface CardReason {
  readonly kind: string;
  readonly problem: string;
  readonly remedy: string;
}

export interface CardReport {
  readonly address: PciAddress;
  readonly functions: readonly PciDevice[];
  readonly verdict: CardVerdict;
  /** why not, or on which condition; empty for a card that can simply be handed over */
  readonly reasons: readonly CardReason[];
  /** what does not stand against it but will be noticed */
  readonly notes: readonly CardReason[];
  readonly users: readonly CardUser[];
}

/** Display functions of management controllers: ASPEED, and Matrox G200 in its server forms. */
const isManagement = (device: PciDevice): boolean =>
  isDisplay(device) && /^(1a03:|102b:05[23])/.test(device.id);

const hostReasons = (facts: Facts): CardReason[] =>
  [...kernelProblems(facts), ...iommuProblems(facts)].map(({ path, problem, remedy }) => ({
    kind: path === "kernel" ? "kernel" : "iommu",
    problem: path === "kernel" ? problem : `the IOMMU: ${problem}`,
    remedy,
  }));

const judge = (facts: Facts, functions: readonly PciDevice[]): Pick<CardReport, "verdict" | "reasons"> => {
  const found: CardReason[] = [
    ...hostReasons(facts),
    ...functions.filter(isManagement).map((device) => ({
      kind: "management",
      problem: `${device.address} is the server's management display: its remote console would go dark`,
      remedy: "choose another card",
    })),
    ...cardFindings(facts, functions),
  ];
  const against = found.filter(({ kind }) => kind !== "boot-display");
  const bound = functions.every((device) => device.driver === "vfio-pci");
  if (against.length > 0) return { verdict: "no", reasons: against };
  // a card that somebody bound already is ready, whatever the host's screen is
  if (bound && iommuActive(facts)) return { verdict: "ready", reasons: [] };
  if (!iommuActive(facts))
    return {
      verdict: "unknown",
      reasons: [
        {
          kind: "iommu-off",
          problem:
            "the kernel has not switched the IOMMU on, so nobody knows yet what shares the card's group",
          remedy: `boot with ${facts.cpu.vendor === "intel" ? "intel_iommu=on" : "the IOMMU on (AMD: it is unless amd_iommu=off)"}; vfio-fleet does and then looks`,
        },
        ...found,
      ],
    };
  return found.length > 0 ? { verdict: "headless", reasons: found } : { verdict: "possible", reasons: [] };
};

const notes = (facts: Facts, functions: readonly PciDevice[]): CardReason[] => {
  const [first] = functions;
  const twins = first ? twinsOf(facts, first).filter((device) => !functions.includes(device)) : [];
  return [
    ...resetFindings(facts, functions),
    ...functions
      .filter((device) => isDisplay(device) && !device.hasRom)
      .map((device) => ({
        kind: "no-rom",
        problem: `${device.address} shows no ROM of its own: its video BIOS is part of the machine's firmware`,
        remedy:
          "give the domain a ROM file, or accept that the guest's screen stays dark until its driver runs",
      })),
    ...(twins.length > 0
      ? [
          {
            kind: "twin",
            problem: `the same model is also at ${twins.map((device) => device.address).join(", ")}`,
            remedy: "bind by address (the default), never by id",
          },
        ]
      : []),
  ];
};

/** Every card with a display function, in the order of their addresses. */
export const cardReports = (facts: Facts): CardReport[] => {
  const seen = new Set<string>();
  const displays = facts.pci.filter(isDisplay).sort((a, b) => a.address.localeCompare(b.address));
  return displays.flatMap((display) => {
    if (seen.has(display.address)) return [];
    const functions = functionsOf(facts, { address: display.address });
    for (const device of functions) seen.add(device.address);
    return [
      {
        address: display.address,
        functions,
        ...judge(facts, functions),
        notes: notes(facts, functions),
        users: cardUsers(facts, functions),
      },
    ];
  });
};
