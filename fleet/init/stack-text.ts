import { cardReports, type CardReport } from "../../components/plan/cards/card-report.ts";
import type { Facts } from "../../components/facts/facts.ts";
import { deviceName, type PciNames } from "../../components/facts/pci-ids.ts";
import type { Connection } from "../../components/ssh/connection.ts";
import { formatKib } from "../ground/format.ts";
import { printable } from "../ground/terminal.ts";

/** Input of a new stack file. */
export interface NewStackText {
  readonly stack: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly connection: Connection;
  /** True when a person has vouched for the host key. If not, the file holds the key as a comment, to be compared. */
  readonly approved: boolean;
  readonly facts: Facts;
  readonly names: PciNames;
}

/** A JSON string is valid YAML; the quotes keep addresses and keys strings. */
const quoted = (text: string): string => JSON.stringify(printable(text));

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");

/** Names are keys of the stack and may stand in a domain's `gpus`, which takes 63 characters; a number may follow. */
const LONGEST = 48;

/** `geforce-gtx-1050`; a card that has no name in the list is `gpu`. */
const cardSlug = (card: CardReport, names: PciNames): string => {
  const id = card.functions[0]?.id ?? "";
  const [, ...model] = deviceName(names, id).split(" ");
  const found = slug(slug(model.join(" ")).slice(0, LONGEST));
  return found === "" || found.includes(slug(id)) ? "gpu" : found;
};

const named = (cards: readonly CardReport[], names: PciNames): readonly (readonly [string, CardReport])[] => {
  const used = new Set<string>();
  return cards.map((card) => {
    const base = cardSlug(card, names);
    let name = base;
    for (let count = 2; used.has(name); count += 1) name = `${base}-${count}`;
    used.add(name);
    return [name, card];
  });
};

/** A name where YAML could read something else: `4090` is a number, `no` is false to YAML 1.1 and `null` is nothing. */
const plain = (name: string): string =>
  /^[a-z][a-z0-9-]*$/.test(name) && !/^(y|n|yes|no|on|off|true|false|null)$/.test(name) ? name : quoted(name);

/**
 * A setting that is not in force. It fills one line and has no blank behind the `#`: taking the character away leaves it
 * indented as its neighbours are, whichever other lines are in force. A section never holds such lines alone: it would be
 * null, and Pulumi, which rewrites the file for its own settings, would move them out of it.
 */
const off = (line: string): string => `#${line}`;

const describe = (card: CardReport, names: PciNames): string => {
  const [first] = card.functions;
  const drivers = [...new Set(card.functions.map(({ driver }) => driver ?? "none"))].join(", ");
  const group = first?.iommuGroup ?? null;
  return [
    deviceName(names, first?.id ?? ""),
    group === null ? "IOMMU group not known yet" : `IOMMU group ${group}`,
    `driver ${drivers}`,
  ].join(", ");
};

/** The host has to be `headless` before a guest can have it. */
const needsHeadless = ({ reasons }: CardReport): boolean =>
  reasons.some(({ kind }) => kind === "boot-display");

/** It can be handed over as the host is. */
const isUsable = (card: CardReport): boolean => card.verdict !== "no" && !needsHeadless(card);

const entry = (name: string, { address, functions }: CardReport): string =>
  `${plain(name)}: { address: ${quoted(address)}, ids: [${functions.map(({ id }) => quoted(id)).join(", ")}] }`;

/** What a card is, and what is to be known of it. */
const remarks = (card: CardReport, names: PciNames): string[] =>
  [describe(card, names), ...[...card.reasons, ...card.notes].map(({ problem }) => problem)].map(
    (text) => `# ${text}`,
  );

type Named = readonly (readonly [string, CardReport])[];

/** The host's cards, each with what is to be known of it; those that cannot be handed over as the host is are off. */
const cardLines = (cards: Named, names: PciNames): string[] => {
  if (cards.some(([, card]) => isUsable(card)))
    return [
      "cards:",
      ...cards.flatMap(([name, card]) => {
        const line = entry(name, card);
        return [...remarks(card, names), isUsable(card) ? line : off(line)].map((text) => `  ${text}`);
      }),
    ];
  const possible = cards.filter(([, card]) => card.verdict !== "no");
  const impossible = cards.filter(([, card]) => card.verdict === "no");
  return [
    ...impossible.flatMap(([name, card]) => [...remarks(card, names), `# It would be ${entry(name, card)}`]),
    ...possible.flatMap(([, card]) => remarks(card, names)),
    ...(possible.length > 0
      ? [off(`cards: { ${possible.map(([name, card]) => entry(name, card)).join(", ")} }`)]
      : []),
  ];
};

/** An example that is off. It has a card only if one is in force: the others may stay off. */
const domainLines = (cards: Named): string[] => {
  const [usable] = cards.find(([, card]) => isUsable(card)) ?? [];
  const [possible] = cards.find(([, card]) => card.verdict !== "no") ?? [];
  const gpus = usable === undefined ? "" : `gpus: [${plain(usable)}], `;
  return [
    "# A virtual machine; the README describes all that one can have.",
    ...(usable === undefined && possible !== undefined
      ? [`# A card that is switched on goes to it with gpus: [${plain(possible)}]`]
      : []),
    off(
      `domains: { win11: { profile: windows-11, memory: 16 GiB, ${gpus}disks: [{ type: volume, sizeGiB: 128 }] } }`,
    ),
  ];
};

const indent = (depth: number, lines: readonly string[]): string[] =>
  lines.map((line) => `${" ".repeat(depth)}${printable(line)}`);

const keyLines = ({ connection: { hostKey = "" }, approved }: NewStackText): string[] =>
  approved
    ? [`hostKey: ${quoted(hostKey)}`]
    : [
        "# This key answered. Compare it at the host's console, then remove the # in front of it:",
        "#   cat /etc/ssh/ssh_host_ed25519_key.pub",
        off(`hostKey: ${quoted(hostKey)}`),
      ];

/**
 * A stack file for one host, from what it showed: cards that can be handed over are in it, others are off, with why. It
 * is valid with any of its settings switched on and off.
 */
export const stackText = (made: NewStackText): string => {
  const { stack, connection, facts, names, labels } = made;
  const cards = named(cardReports(facts), names);
  const labelled = Object.entries(labels);
  return [
    `# ${printable(`${facts.distro.name}, Linux ${facts.kernel}, ${facts.cpu.model}, ${formatKib(facts.memoryKiB)} of memory`)}`,
    "# A setting right behind a #, as in #name: value, is off: take the # away to switch it on.",
    "config:",
    ...(labelled.length > 0
      ? ["  vfio-fleet:labels:", ...labelled.map(([key, value]) => `    ${quoted(key)}: ${quoted(value)}`)]
      : []),
    "  vfio-fleet:hosts:",
    `    ${plain(stack)}:`,
    "      connection:",
    ...indent(8, [
      `host: ${quoted(connection.host)}`,
      ...(connection.port === 22 ? [] : [`port: ${connection.port}`]),
      `user: ${quoted(connection.user)}`,
      ...(connection.auth.kind === "key" ? [`privateKeyFile: ${quoted(connection.auth.path)}`] : []),
      ...keyLines(made),
    ]),
    ...indent(6, [
      ...(cards.some(([, card]) => card.verdict !== "no" && needsHeadless(card))
        ? [
            "# A card that is the host's own screen needs this: the host may lose that screen.",
            off("headless: true"),
          ]
        : []),
      ...cardLines(cards, names),
      ...domainLines(cards),
      "kernel:",
      "  reboot: auto # ask: only with VFIO_FLEET_REBOOT=yes; never: you reboot",
    ]),
    "",
  ].join("\n");
};
