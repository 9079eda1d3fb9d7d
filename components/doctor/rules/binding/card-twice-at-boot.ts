import type { Rule } from "../../rule.ts";

export const cardTwiceAtBoot = {
  id: "card-twice-at-boot",
  title: "Two domains that start with the host use the same card",
  looksAt: "autostart and the cards of all domains",
  explanation:
    "Several domains may list a card, but only one of them can run. If two start with the host, the first one gets the card and the other fails. The order can change from boot to boot.",
  remedy: "set autostart on one of them only",
  source: "libvirt: qemuHostdevPreparePCIDevices, “is in use by driver”",
  find: ({ facts, given }) => {
    const starting = new Set(
      facts.libvirt.domains.filter(({ autostart }) => autostart).map(({ name }) => name),
    );
    const cards = new Map<string, string[]>();
    for (const card of given)
      if (starting.has(card.domain.name))
        cards.set(card.slot, [...(cards.get(card.slot) ?? []), card.domain.name]);
    return [...cards]
      .filter(([, names]) => names.length > 1)
      .map(([slot, names]) => ({
        subject: `card ${slot}`,
        verdict: "fault" as const,
        found: `${names.join(" and ")} start with the host and list it`,
      }));
  },
} as const satisfies Rule;
