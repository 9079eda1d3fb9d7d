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

/**
 * The card's name in the stack file, such as `geforce-gtx-1050`; `gpu` for a card that the PCI list does not know.
 */
const cardSlug = (card: CardReport, names: PciNames): string => {
  const id = card.functions[0]?.id ?? "";
  const [, ...model] = deviceName(names, id).split(" ");
  const found = slug(model.join(" "));
  return found === "" || found.includes(slug(id)) ? "gpu" : found;
};

const named = (cards: readonly CardReport[], names: PciNames): readonly (readonly [string, CardReport])[] => {
  const used = new Map<string, number>();
  return cards.map((card) => {
    const name = cardSlug(card, names);
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    return [count === 1 ? name : `${name}-${count}`, card];
  });
};

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

const cardLines = (name: string, card: CardReport, names: PciNames): string[] => {
  const lines = [
    `${name}: # ${describe(card, names)}`,
    `  address: ${quoted(card.address)}`,
    `  ids: [${card.functions.map(({ id }) => quoted(id)).join(", ")}]`,
  ];
  const remarks = [...card.reasons, ...card.notes].map(({ problem }) => `# ${problem}`);
  const usable = card.verdict === "ready" || card.verdict === "possible" || card.verdict === "unknown";
  return [...remarks, ...(usable ? lines : lines.map((line) => `# ${line}`))];
};

const indent = (depth: number, lines: readonly string[]): string[] =>
  lines.map((line) => `${" ".repeat(depth)}${printable(line)}`);

const keyLines = ({ connection: { hostKey = "" }, approved }: NewStackText): string[] =>
  approved
    ? [`hostKey: ${quoted(hostKey)}`]
    : [
        "# This key answered. Compare it at the host's console, then remove the # in front of it:",
        "#   cat /etc/ssh/ssh_host_ed25519_key.pub",
        `# hostKey: ${quoted(hostKey)}`,
      ];

/**
 * The stack file for one host. Cards that can be handed over are entries; the others are comments with the reason.
 */
export const stackText = (made: NewStackText): string => {
  const { stack, connection, facts, names, labels } = made;
  const cards = named(cardReports(facts), names);
  const usable = cards.some(([, { verdict }]) => verdict !== "no" && verdict !== "headless");
  const headless = cards.some(([, { verdict }]) => verdict === "headless");
  const labelled = Object.entries(labels);
  return [
    `# ${printable(`${facts.distro.name}, Linux ${facts.kernel}, ${facts.cpu.model}, ${formatKib(facts.memoryKiB)} of memory`)}`,
    "config:",
    ...(labelled.length > 0
      ? ["  vfio-fleet:labels:", ...labelled.map(([key, value]) => `    ${quoted(key)}: ${quoted(value)}`)]
      : []),
    "  vfio-fleet:hosts:",
    `    ${stack}:`,
    "      connection:",
    ...indent(8, [
      `host: ${quoted(connection.host)}`,
      ...(connection.port === 22 ? [] : [`port: ${connection.port}`]),
      `user: ${quoted(connection.user)}`,
      ...(connection.auth.kind === "key" ? [`privateKeyFile: ${quoted(connection.auth.path)}`] : []),
      ...keyLines(made),
    ]),
    ...(headless
      ? indent(6, ["# headless: true # for the cards below that need it: the host loses its screen"])
      : []),
    `      cards:${usable ? "" : " {}"}`,
    ...cards.flatMap(([name, card]) => indent(8, cardLines(name, card, names))),
    ...indent(6, [
      "kernel:",
      "  reboot: auto # ask: only with VFIO_FLEET_REBOOT=yes; never: you reboot",
      "# domains:",
      "#   win11:",
      "#     profile: windows-11",
      "#     memory: 16 GiB",
      `#     gpus: [${cards.find(([, { verdict }]) => verdict !== "no")?.[0] ?? "CARD"}]`,
      "#     disks: [{ type: volume, sizeGiB: 128 }]",
    ]),
    "",
  ].join("\n");
};
