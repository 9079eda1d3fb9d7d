import { cardReports, type CardReport } from "../plan/cards/card-report.ts";
import { domainViews, type DomainView, type HostdevView } from "../plan/domain/domain-view.ts";
import type { Facts, PciDevice } from "../facts/facts.ts";
import { functionsOf } from "../facts/iommu.ts";
import { isDisplay, slotOf } from "../facts/pci.ts";
import type { Survey } from "../facts/survey.ts";

/** A card in a domain's definition. */
export interface GivenCard {
  readonly domain: DomainView;
  /** `0000:03:00` */
  readonly slot: string;
  /** the functions in the definition that the host has */
  readonly functions: readonly PciDevice[];
  /** the functions of the slot that the definition leaves out */
  readonly left: readonly PciDevice[];
  readonly hostdevs: readonly HostdevView[];
  readonly display: PciDevice | undefined;
}

/** What the rules look at. */
export interface Patient {
  readonly facts: Facts;
  readonly survey: Survey;
  readonly cards: readonly CardReport[];
  /** all domains, or the one that was asked about */
  readonly domains: readonly DomainView[];
  readonly given: readonly GivenCard[];
}

const givenCards = (facts: Facts, domain: DomainView): GivenCard[] => {
  const slots = [...new Set(domain.hostdevs.map(({ address }) => slotOf(address)))];
  return slots.map((slot) => {
    const hostdevs = domain.hostdevs.filter(({ address }) => slotOf(address) === slot);
    const there = hostdevs[0] ? functionsOf(facts, hostdevs[0].address) : [];
    const named = new Set<string>(hostdevs.map(({ address }) => address));
    const functions = there.filter((device) => named.has(device.address));
    return {
      domain,
      slot,
      functions,
      left: there.filter((device) => !named.has(device.address)),
      hostdevs,
      display: functions.find(isDisplay),
    };
  });
};

/** @param only the domain that was asked about; without it all are looked at */
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

/** Lines of the kernel's log that match, without their time stamps, each once. */
export const logLines = ({ survey }: Patient, pattern: RegExp): string[] => [
  ...new Set(
    [...(survey.kernelLog?.boot ?? []), ...(survey.kernelLog?.trouble ?? [])]
      .filter((line) => pattern.test(line))
      .map((line) => line.replace(/^\[ *[\d.]+\] */, "")),
  ),
];

/** What QEMU said about a domain since its last start. */
export const qemuLines = ({ survey }: Patient, { name }: DomainView, pattern: RegExp): string[] => {
  const logs = survey.domainLogs ?? {};
  // a domain may be called like a name that every object has
  return (Object.hasOwn(logs, name) ? (logs[name] ?? []) : []).filter((line) => pattern.test(line));
};

/** The first PCI address in a line of a log, whole. */
export const addressIn = (line: string): string | undefined =>
  /[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]/.exec(line)?.[0];

/** `win10: 0000:03:00` */
export const subjectOf = ({ domain, slot }: GivenCard): string => `${domain.name}: card ${slot}`;

export const isNvidia = (device: PciDevice | undefined): boolean => device?.id.startsWith("10de:") === true;
