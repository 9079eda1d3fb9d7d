import type { CardReport, CardVerdict } from "../../components/plan/cards/card-report.ts";
import type { PciDevice } from "../../components/facts/facts.ts";
import { deviceName, type PciNames } from "../../components/facts/pci-ids.ts";
import { shortAddress } from "../ground/format.ts";
import { Html, markup } from "./html.ts";
import type { GroupRun, Tree, TreeRow } from "./tree.ts";

// Sizes in the picture's own units; a page scales the picture.
const WIDTH = 860;
const INDENT = 22;
const LEFT = 14;
/** right edge of the groups' borders */
const EDGE = 590;
const USERS = 640;
const TOP = 8;
const GAP = 6;
const HEIGHTS = { root: 26, bridge: 26, device: 28, card: 48 } as const satisfies Record<
  TreeRow["kind"],
  number
>;
/** A character's width at 13 units. It is on the wide side, because fonts differ between machines. */
const CHARACTER = 7.4;

/** The kind of a driver: vfio-pci, a host's GPU driver, any other, none. */
const driverKind = (driver: string | null): "vfio" | "gpu" | "host" | "none" => {
  if (driver === null) return "none";
  if (driver === "vfio-pci") return "vfio";
  return /^(nouveau|nvidia|amdgpu|radeon|i915|xe|ast|mgag200|bochs-drm|simpledrm|virtio_gpu)/.test(driver)
    ? "gpu"
    : "host";
};

const cut = (text: string, width: number): string => {
  const most = Math.max(4, Math.floor(width / CHARACTER));
  return text.length > most ? `${text.slice(0, most - 1).toWellFormed()}…` : text;
};

interface Placed {
  readonly row: TreeRow;
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

const place = (rows: readonly TreeRow[], runs: readonly GroupRun[]): { placed: Placed[]; height: number } => {
  let y = TOP;
  const starts = new Set(runs.map((run) => run.from));
  const ends = new Set(runs.map((run) => run.to));
  const placed = rows.map((row, index) => {
    if (starts.has(index)) y += GAP;
    const tall = row.kind === "card" && row.devices.length > 1;
    const height = row.kind === "card" && !tall ? HEIGHTS.device : HEIGHTS[row.kind];
    const at = { row, x: LEFT + row.depth * INDENT, y, height };
    y += at.height + (ends.has(index) ? GAP : 0) + 2;
    return at;
  });
  return { placed, height: y + TOP };
};

const middle = ({ y, height }: Placed): number => y + (height === HEIGHTS.card ? 15 : height / 2);

/** Lines from a bridge down to the devices behind it. */
const branches = (placed: readonly Placed[]): Html[] =>
  placed.flatMap((at, index) => {
    if (at.row.depth === 0) return [];
    const parent = placed.slice(0, index).findLast((one) => one.row.depth === at.row.depth - 1);
    if (!parent) return [];
    const x = parent.x + 9;
    return [markup`<path class="branch" d="M${x} ${middle(parent) + 8}V${middle(at)}H${at.x - 2}" />`];
  });

const border = (run: GroupRun, placed: readonly Placed[], shared: boolean): Html => {
  const rows = placed.slice(run.from, run.to + 1);
  const x = Math.min(...rows.map((row) => row.x)) - 6;
  const y = (rows[0]?.y ?? 0) - 4;
  const last = rows.at(-1);
  const bottom = (last?.y ?? 0) + (last?.height ?? 0) + 2;
  return markup`<g class="${shared ? "group shared" : "group"}">
    <rect x="${x}" y="${y}" width="${EDGE - x}" height="${bottom - y}" rx="7" />
    <text x="${EDGE - 8}" y="${y + 17}" text-anchor="end">group ${run.group}</text></g
  >`;
};

const pillText = (driver: string | null): string => cut(driver ?? "no driver", 120);
const pillWidth = (driver: string | null): number => pillText(driver).length * 6.9 + 14;

const pill = (right: number, y: number, driver: string | null): Html => {
  const width = pillWidth(driver);
  return markup`<g class="driver ${driverKind(driver)}"><rect x="${right - width}" y="${y - 9}" width="${width}" height="18" rx="9" />
<text x="${right - width / 2}" y="${y + 4}" text-anchor="middle">${pillText(driver)}</text></g>`;
};

const MARKS = {
  root: markup`<circle class="mark" r="5" />`,
  bridge: markup`<path class="mark" d="M-5 0L0 -5L5 0L0 5Z" />`,
  device: markup`<rect class="mark" x="-5" y="-4" width="10" height="8" rx="1.5" />`,
  // a graphics card with its fan
  card: markup`<g class="mark"
    ><rect x="-8" y="-6" width="16" height="12" rx="2" /><circle class="fan" r="3.6"
  /></g>`,
} as const satisfies Record<TreeRow["kind"], Html>;

/** A row's name. A bridge is named by its kind, because its maker's name says little. */
const nameOf = (row: TreeRow, main: PciDevice, names: PciNames): string => {
  const name = deviceName(names, main.id);
  if (row.kind !== "bridge") return name;
  if (!main.class.startsWith("0604")) return `${names.class(main.class) ?? "bridge"} · ${name}`;
  return `${row.depth === 1 ? "root port" : "bridge"} · ${name}`;
};

/**
 * Text such as `.1 Audio device · .2 USB controller`. A driver is named only where it differs from the row's driver.
 */
const others = (main: PciDevice, devices: readonly PciDevice[], names: PciNames): string =>
  devices
    .map((device) => {
      const driver = device.driver === main.driver ? "" : ` (${device.driver ?? "no driver"})`;
      return `.${device.address.at(-1)} ${names.class(device.class) ?? device.id}${driver}`;
    })
    .join(" · ");

/** The tooltip of a row: every function in full. */
const inFull = (devices: readonly PciDevice[], names: PciNames): string =>
  devices
    .map(
      (device) =>
        `${device.address} ${device.id} ${deviceName(names, device.id)}: ${device.driver ?? "no driver"}`,
    )
    .join("\n");

const drawRow = ({ row, x, y, height }: Placed, names: PciNames): Html => {
  const line = middle({ row, x, y, height });
  const text = x + 24;
  const mark = markup`<g transform="translate(${x + 9} ${line})">${MARKS[row.kind]}</g>`;
  if (row.kind === "root")
    return markup`${mark}<text class="root" x="${text}" y="${line + 4}">${row.label}</text>`;
  const main = row.devices.find((device) => device.address === row.card?.address) ?? row.devices[0];
  if (!main) return new Html("");
  const rest = row.devices.filter((device) => device !== main);
  // The group's label stands at the right edge.
  const right = EDGE - 84;
  const from = text + 62;
  const more = rest.length > 0 && row.kind !== "card" ? ` +${rest.length}` : "";
  const room = right - pillWidth(main.driver) - from - 8 - more.length * CHARACTER;
  // Names of cards are bold, so they are wider.
  const name = cut(nameOf(row, main, names), row.kind === "card" ? room * 0.8 : room) + more;
  return markup`<g class="${row.kind}${row.card ? ` ${row.card.verdict}` : ""}"><title>${inFull(row.devices, names)}</title>
${mark}
<text class="address" x="${text}" y="${line + 4}">${shortAddress(main.address)}</text>
<text class="name" x="${from}" y="${line + 4}">${name}</text>
${pill(right, line, main.driver)}
${
  rest.length > 0 &&
  row.kind === "card" &&
  markup`<text class="rest" x="${text}" y="${y + 36}">${cut(others(main, rest, names), (EDGE - text - 8) * 1.1)}</text>`
}</g>`;
};

const VERDICTS = {
  ready: "ready",
  possible: "can be handed over",
  headless: "only if headless",
  unknown: "not known yet",
  no: "cannot be handed over",
} as const satisfies Record<CardVerdict, string>;

/** The users of a card at its right, one line each; users that only list the card are dashed. */
const drawUsers = (at: Placed, card: CardReport): Html[] => {
  const y = middle(at);
  const verdict = markup`<text
    class="verdict ${card.verdict}"
    x="${USERS}"
    y="${y + (card.users.length > 0 ? 27 : 4)}"
    >${VERDICTS[card.verdict]}</text
  >`;
  const users = card.users.slice(0, 2).map((user, index) => {
    const more = index === 1 && card.users.length > 2 ? ` +${card.users.length - 2}` : "";
    const text = cut(user.name + more, 96);
    const width = text.length * 8 + (user.running ? 30 : 22);
    const x = USERS + index * 112;
    return markup`<g class="user ${user.running ? "running" : "off"}"
      ><title>${user.name}${user.running ? " has it" : " lists it"}</title>
      ${index === 0 && markup`<path d="M${EDGE} ${y}H${x}" />`}
      <rect x="${x}" y="${y - 11}" width="${width}" height="22" rx="11" />
      ${user.running && markup`<path class="play" d="M${x + 9} ${y - 4}l6 4l-6 4z" />`}
      <text x="${x + (user.running ? 19 : 11)}" y="${y + 4}">${text}</text></g
    >`;
  });
  return [...users, verdict];
};

/**
 * The PCI tree with its IOMMU groups as SVG. Bridges and cards run from left to right. It shows one border a group,
 * the drivers, and who uses which card.
 * @param id unique in the page
 */
export const drawTree = (
  { rows, runs }: Tree,
  options: { readonly id: string; readonly title: string; readonly names: PciNames },
): Html => {
  const { placed, height } = place(rows, runs);
  const { id, title, names } = options;
  const strangers = new Set(
    rows.flatMap((row) =>
      row.card?.reasons.some(({ kind }) => kind === "foreign") && row.group !== null ? [row.group] : [],
    ),
  );
  const cards = rows.flatMap((row) => row.card ?? []);
  const summary = cards
    .map((card) => {
      const [user] = card.users;
      return `${card.address}: ${VERDICTS[card.verdict]}${user?.running ? `, used by ${user.name}` : ""}`;
    })
    .join("; ");
  return markup`<svg class="tree" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-t ${id}-d">
    <title id="${id}-t">${title}</title>
    <desc id="${id}-d">${summary}</desc>
    ${runs.map((run) => border(run, placed, strangers.has(run.group)))} ${branches(placed)}
    ${placed.map((at) => drawRow(at, names))}
    ${placed.flatMap((at) => (at.row.card ? drawUsers(at, at.row.card) : []))}
  </svg>`;
};
