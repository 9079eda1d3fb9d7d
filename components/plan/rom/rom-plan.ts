import { createHash } from "node:crypto";
import { cardUsers } from "../cards/card-users.ts";
import type { CardRom } from "../domain/resolve/context.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import { functionsOf } from "../../facts/card.ts";
import type { CardSpec } from "../kernel/kernel-spec.ts";
import { judgeOptionRom } from "../../option-rom/judge.ts";
import { parseOptionRom } from "../../option-rom/parse.ts";
import { isDisplay, type PciId } from "../../facts/pci.ts";
import type { Checked, Problem } from "../../facts/problem.ts";
import { receiptName, type Step } from "../step.ts";

type Cards = Readonly<Record<string, CardSpec>>;

/** The file of a card's `rom: {file}`, read beforehand, or why it could not be. */
export type GivenRom =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: string };

export interface RomPlan {
  readonly steps: readonly Step[];
  /** steps whose output is a dump, which has to be judged for the card of this name and id */
  readonly dumps: readonly { readonly key: string; readonly card: string; readonly id: PciId }[];
}

/** QEMU's own folder: the only one that is there wherever QEMU is, and that libvirt's AppArmor profile lets it read. */
const ROM_FOLDER = "/usr/share/qemu/vfio-fleet";

type Rom = NonNullable<CardSpec["rom"]>;

/**
 * Where a card's ROM lies on the host; undefined for a hidden one. A dump does not take the place of a file: it is
 * judged only once it is there, and the domains use what they had until then.
 */
const romPath = (card: string, rom: Rom): string | undefined => {
  if ("bar" in rom) return undefined;
  return `${ROM_FOLDER}/${card}${"dump" in rom ? ".dump" : ""}.rom`;
};

/** What a domain with this card says of its ROM. */
export const guestRom = (card: string, rom: CardSpec["rom"]): CardRom => {
  if (rom === undefined) return { kind: "card" };
  const path = romPath(card, rom);
  return path === undefined ? { kind: "off" } : { kind: "file", path };
};

/** Files of the host that a plan of these ROMs compares. */
export const romQuestion = (cards: Cards): string[] =>
  Object.entries(cards).flatMap(([name, { rom }]) => (rom && romPath(name, rom)) ?? []);

/** The function that the ROM belongs to: the display, or the first. */
const carrier = (facts: Facts, card: CardSpec): PciDevice | undefined => {
  const functions = functionsOf(facts, card);
  return functions.find(isDisplay) ?? functions[0];
};

/**
 * Why a guest under OVMF could not use these bytes as this card's ROM; undefined when it can.
 * @param what the ROM as a sentence names it
 */
export const romObjection = (
  path: string,
  what: string,
  bytes: Uint8Array,
  card: PciId,
): Problem | undefined => {
  const { verdict, findings } = judgeOptionRom(parseOptionRom(bytes), { card });
  if (verdict === "usable") return undefined;
  const errors = findings.flatMap(({ severity, message }) => (severity === "error" ? [message] : []));
  return {
    path,
    problem: `${what} cannot work for ${card}: ${errors.join("; ")}`,
    remedy:
      verdict === "needs-patch"
        ? "cut it to its images with 'vfio-fleet rom patch IN OUT' and name OUT in rom: {file: OUT}"
        : "name another file in rom: {file: PATH}; 'vfio-fleet rom show FILE' explains one, 'vfio-fleet rom dump' reads the card's own",
  };
};

/** Judges the output of a dump step. */
export const dumpObjection = (card: string, id: PciId, output: string): Problem | undefined =>
  romObjection(`cards.${card}.rom.dump`, "what the card shows", Buffer.from(output, "base64"), id);

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const isInPlace = (facts: Facts, path: string, digest: string | undefined): boolean =>
  digest !== undefined && facts.files[path]?.sha256 === digest && facts.files[path].mode === "644";

/** What both kinds of steps share; drift is a file that is not as the last up left it. */
const romStep = (
  facts: Facts,
  name: string,
  path: string,
): Pick<Step, "key" | "undo" | "after" | "binary" | "drift"> => {
  const written = facts.receipts[receiptName(path)]?.notes["sha256"];
  return {
    key: path,
    undo: ["unrom", path],
    after: [],
    binary: true,
    ...(written !== undefined &&
      !isInPlace(facts, path, written) && {
        drift: {
          kind: "state",
          found: `${path} ${facts.files[path] ? "was changed" : "is gone"}`,
          wanted: `the ROM of card ${name}`,
        },
      }),
  };
};

const planFile = (
  facts: Facts,
  name: string,
  path: string,
  file: string,
  id: PciId,
  given: GivenRom,
): Step | Problem => {
  const setting = `cards.${name}.rom.file`;
  if (!given.ok)
    return {
      path: setting,
      problem: given.reason,
      remedy: "name a file that exists; paths start at the project",
    };
  const objection = romObjection(setting, file, given.bytes, id);
  if (objection) return objection;
  return {
    ...romStep(facts, name, path),
    verb: "rom",
    args: [path],
    input: `${Buffer.from(given.bytes).toString("base64").replaceAll(/.{76}/g, "$&\n")}\n`,
    inPlace: isInPlace(facts, path, sha256(given.bytes)),
  };
};

/** Why a card's ROM cannot be read on this host; the host itself looks again before it reads. */
const dumpProblem = (
  facts: Facts,
  card: CardSpec,
  device: PciDevice,
): Pick<Problem, "problem" | "remedy"> | undefined => {
  const instead = "name a file instead: rom: {file: PATH}";
  if (!device.hasRom)
    return {
      problem: `${device.address} has no ROM to read: onboard and virtual functions have none`,
      remedy: instead,
    };
  if (device.bootVga === true)
    return {
      problem: `${device.address} is the boot display: only the firmware's changed copy of its ROM could be read`,
      remedy: `let the host start on another display, or ${instead}`,
    };
  const user = cardUsers(facts, functionsOf(facts, card)).find(({ running }) => running);
  return (
    user && {
      problem: `${device.address} is in use by the running ${user.kind === "process" ? "process" : "domain"} ${user.name}, so its ROM cannot be read now`,
      remedy: "shut it down first; once read, the ROM stays on the host",
    }
  );
};

const planDump = (
  facts: Facts,
  name: string,
  path: string,
  device: PciDevice,
  card: CardSpec,
): Step | Problem => {
  const receipt = facts.receipts[receiptName(path)];
  const identity = `${device.address} ${device.id}`;
  const inPlace = isInPlace(facts, path, receipt?.notes["sha256"]) && receipt?.notes["card"] === identity;
  const problem = inPlace
    ? undefined
    : card.idle === "host"
      ? {
          problem: "a ROM is read while vfio-pci has the card, and idle: host leaves it to the host's driver",
          remedy: "dump it once with idle: vfio-pci and 'vfio-fleet rom dump', then name that file",
        }
      : dumpProblem(facts, card, device);
  if (problem) return { path: `cards.${name}.rom.dump`, ...problem };
  return {
    ...romStep(facts, name, path),
    verb: "dump",
    args: [path, device.address, device.id],
    quiet: true,
    inPlace,
  };
};

/**
 * Plans the ROM files of a host's cards: a file beside the program is judged here, a dump once it was made.
 * @param given the files of `rom: {file}` by card
 */
export const planRoms = (
  cards: Cards,
  facts: Facts,
  given: Readonly<Record<string, GivenRom>>,
): Checked<RomPlan> => {
  const planned = Object.entries(cards).flatMap(([card, spec]) => {
    const { rom } = spec;
    const device = carrier(facts, spec);
    const path = rom && romPath(card, rom);
    // a card that is not there is said elsewhere
    if (!rom || path === undefined || !device) return [];
    const made =
      "file" in rom
        ? planFile(
            facts,
            card,
            path,
            rom.file,
            device.id,
            given[card] ?? { ok: false, reason: `${rom.file} was not read` },
          )
        : planDump(facts, card, path, device, spec);
    return [{ card, path, id: device.id, made, isDump: "dump" in rom }];
  });
  const problems = planned.flatMap(({ made }) => ("problem" in made ? [made] : []));
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    value: {
      steps: planned.flatMap(({ made }) => ("problem" in made ? [] : [made])),
      dumps: planned.flatMap(({ card, path, id, isDump }) => (isDump ? [{ key: path, card, id }] : [])),
    },
  };
};
