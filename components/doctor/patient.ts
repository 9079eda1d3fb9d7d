import { cardReports, type CardReport } from "../plan/cards/card-report.ts";
import { domainViews, type DomainView, type HostdevView } from "../plan/domain/domain-view.ts";
import type { Facts, PciDevice } from "../facts/facts.ts";
import { functionsOf } from "../facts/card.ts";
import { isDisplay, slotOf } from "../facts/pci.ts";
import type { Survey } from "../facts/survey.ts";

/** A card in a domain's definition. */
export interface GivenCard {
  readonly domain: DomainView;
  /** `0000:03:00` */
  readonly slot: string;
  /** The functions in the definition that exist on the host. */
  readonly functions: readonly PciDevice[];
  /** the functions of the card that the definition leaves out */
  readonly left: readonly PciDevice[];
  readonly hostdevs: readonly HostdevView[];
  readonly display: PciDevice | undefined;
}

/** Input of the rules. */
export interface Patient {
  readonly facts: Facts;
  readonly survey: Survey;
  readonly cards: readonly CardReport[];
  /** All domains, or the one that was named. */
  readonly domains: readonly DomainView[];
  readonly given: readonly GivenCard[];
}

/** The hostdevs of a definition, card by card: those of one slot, and those of one board below its own switch. */
const givenCards = (facts: Facts, domain: DomainView): GivenCard[] => {
  const cards: GivenCard[] = [];
  const open = [...domain.hostdevs];
  while (open[0]) {
    const slot = slotOf(open[0].address);
    const inSlot = open.filter(({ address }) => slotOf(address) === slot);
    const devices = facts.pci.filter((device) => inSlot.some(({ address }) => address === device.address));
    const first = devices.find(isDisplay) ?? devices[0];
    const whole = first ? functionsOf(facts, { address: first.address }) : [];
    const belongs = ({ address }: HostdevView): boolean =>
      slotOf(address) === slot || whole.some((device) => device.address === address);
    const hostdevs = open.filter(belongs);
    open.splice(0, open.length, ...open.filter((hostdev) => !belongs(hostdev)));
    const isNamed = (device: PciDevice): boolean =>
      hostdevs.some(({ address }) => address === device.address);
    const functions = facts.pci.filter(isNamed);
    const display = functions.find(isDisplay);
    cards.push({
      domain,
      slot: display ? slotOf(display.address) : slot,
      functions,
      left: whole.filter((device) => !isNamed(device)),
      hostdevs,
      display,
    });
  }
  return cards;
};

/** @param only the domain to check; without it all domains are checked */
export const patientOf = (facts: Facts & { readonly survey: Survey }, only?: string): Patient => {
  const domains = domainViews(facts).filter((domain) => only === undefined || domain.name === only);
  return {
    facts,
    survey: facts.survey,
    cards: cardReports(facts),
    domains,
    given: domains.flatMap((domain) => givenCards(facts, domain)),
  };
};

/** Matching lines of the kernel's log, without time stamps and duplicates. */
export const logLines = ({ survey }: Patient, pattern: RegExp): string[] => [
  ...new Set(
    [...(survey.kernelLog?.boot ?? []), ...(survey.kernelLog?.trouble ?? [])]
      .filter((line) => pattern.test(line))
      .map((line) => line.replace(/^\[ *[\d.]+\] */, "")),
  ),
];

/** Matching lines of QEMU's log since the domain's last start. */
export const qemuLines = ({ survey }: Patient, { name }: DomainView, pattern: RegExp): string[] => {
  const logs = survey.domainLogs ?? {};
  // A domain may have the name of a property that every object inherits.
  return (Object.hasOwn(logs, name) ? (logs[name] ?? []) : []).filter((line) => pattern.test(line));
};

/** The first full PCI address in a log line. */
export const addressIn = (line: string): string | undefined =>
  /[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]/.exec(line)?.[0];

/** A card in a domain, as text: `win10: 0000:03:00`. */
export const subjectOf = ({ domain, slot }: GivenCard): string => `${domain.name}: card ${slot}`;

export const isNvidia = (device: PciDevice | undefined): boolean => device?.id.startsWith("10de:") === true;
