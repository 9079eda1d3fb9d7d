import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readCardRoms } from "../../../components/host/card-roms.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import { cardSchema } from "../../../components/plan/kernel/kernel-spec.ts";
import { formatProblems } from "../../../components/facts/problem.ts";
import {
  dumpObjection,
  planRoms,
  romQuestion,
  type GivenRom,
} from "../../../components/plan/rom/rom-plan.ts";
import { receiptName, type Step } from "../../../components/plan/step.ts";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { planHost } from "../../../components/host/plan-host.ts";
import { readStack } from "../../../stacks/read.ts";
import { pciId, xeonFacts } from "../../fixtures/xeon.ts";
import { ipxeRom, KIB, makeContainer, makeNvidiaRom, readBytes } from "../support/option-rom.ts";

const PATH = "/usr/share/qemu/vfio-fleet/gtx1050.rom";
const DUMPED = "/usr/share/qemu/vfio-fleet/gtx1050.dump.rom";
const IDENTITY = "0000:03:00.0 10de:1c81";
const ROM = makeNvidiaRom({ size: 128 * KIB });
const CONTAINED = makeNvidiaRom({ leading: makeContainer(0x600, 2), size: 256 * KIB });
const DIGEST = createHash("sha256").update(ROM).digest("hex");

const CARD = { address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"] };
const cardsWith = (rom: unknown) => ({ gtx1050: cardSchema.parse({ ...CARD, rom }) });
const given = (bytes: Uint8Array): Record<string, GivenRom> => ({ gtx1050: { ok: true, bytes } });

/** The host after an up: a file with this digest, and the receipt of its step. */
const leftBy = (
  digest: string,
  notes: Record<string, string>,
  found = digest,
  path = PATH,
): Partial<Facts> => ({
  files: { [path]: { mode: "644", owner: "root", group: "root", content: "", sha256: found } },
  receipts: { [receiptName(path)]: { token: "t", notes: { sha256: digest, ...notes } } },
});
/** One running domain with the card. */
const inUse: Partial<Facts> = {
  libvirt: {
    socket: true,
    domains: [
      {
        name: "win10",
        running: true,
        autostart: false,
        xml: `<domain type='kvm'><name>win10</name><devices><hostdev mode='subsystem' type='pci'><source>
<address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></source></hostdev></devices></domain>`,
      },
    ],
  },
};

const stepOf = (rom: unknown, facts: Partial<Facts> = {}, bytes = ROM): Step => {
  const plan = planRoms(cardsWith(rom), xeonFacts(facts), given(bytes));
  if (!plan.ok) throw new Error(formatProblems("test", plan.problems));
  expect(plan.value.steps).toHaveLength(1);
  const [step] = plan.value.steps;
  if (!step) throw new Error("no step");
  return step;
};
const refusal = (rom: unknown, facts: Partial<Facts> = {}, roms = given(ROM)): string => {
  const plan = planRoms(cardsWith(rom), xeonFacts(facts), roms);
  return plan.ok ? "" : formatProblems("test", plan.problems);
};

describe("the rom setting of a card", () => {
  test.each([
    ["a file", { file: "roms/gtx1050.rom" }, { file: "roms/gtx1050.rom" }],
    ["a dump", { dump: true }, { dump: true }],
    ["none", { bar: "off" }, { bar: "off" }],
    ["none, as YAML 1.1 reads it", { bar: false }, { bar: false }],
  ])("%s", (_, rom, read) => {
    expect(cardSchema.parse({ ...CARD, rom }).rom).toEqual(read);
  });

  test.each([
    [{ dump: false }],
    [{ bar: "on" }],
    [{ file: "" }],
    [{ file: "a.rom", dump: true }],
    ["a.rom"],
    [{}],
  ])("not %j", (rom) => {
    const read = readStack({
      hosts: { xeon: { connection: { host: "xeon" }, cards: { gtx1050: { ...CARD, rom } } } },
    });
    expect(read.ok ? "read" : read.problems[0]?.path).toMatch(/^vfio-fleet:hosts\.xeon\.cards\.gtx1050\.rom/);
  });
});

describe("rom: {file}", () => {
  const FILE = { file: "roms/gtx1050.rom" };

  test("is copied byte for byte to a folder that QEMU may read, hidden in diffs, and undone", () => {
    const step = stepOf(FILE);
    expect(step).toMatchObject({ key: PATH, verb: "rom", args: [PATH], undo: ["unrom", PATH], binary: true });
    expect(step.inPlace).toBe(false);
    expect(Buffer.compare(Buffer.from(step.input ?? "", "base64"), ROM)).toBe(0);
    expect(Math.max(...(step.input ?? "").split("\n").map((line) => line.length))).toBe(76);
    expect(romQuestion(cardsWith(FILE))).toEqual([PATH]);
  });

  test("is settled when the host has these bytes; a change there is drift, a change here is not", () => {
    expect(stepOf(FILE, leftBy(DIGEST, {}))).toMatchObject({ inPlace: true });
    expect(stepOf(FILE, leftBy(DIGEST, {})).drift).toBeUndefined();
    expect(stepOf(FILE, leftBy(DIGEST, {}, "0".repeat(64)))).toMatchObject({
      inPlace: false,
      drift: { found: `${PATH} was changed` },
    });
    expect(stepOf(FILE, { ...leftBy(DIGEST, {}), files: {} })).toMatchObject({
      inPlace: false,
      drift: { found: `${PATH} is gone` },
    });
    const other = stepOf(FILE, leftBy("1".repeat(64), {}));
    expect(other.inPlace).toBe(false);
    expect(other.drift).toBeUndefined();
  });

  test.each([
    [
      "a container header",
      CONTAINED,
      /rom\.file: roms\/gtx1050\.rom cannot work for 10de:1c81: [^]*rom patch IN OUT/,
    ],
    ["another card's ROM", readBytes(ipxeRom("efi-e1000.rom")), /made for 8086:100e, not for this card/],
    ["a blank file", new Uint8Array(128 * KIB).fill(0xff), /cannot work[^]*name another file/],
    ["half a dump", ROM.slice(0, 100 * KIB), /cannot work/],
  ])("%s is refused with its findings", (_, bytes, pattern) => {
    expect(refusal(FILE, {}, given(bytes))).toMatch(pattern);
  });

  test("unreadable files are reported with all other problems", () => {
    const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-roms-"));
    try {
      writeFileSync(join(folder, "good.rom"), ROM);
      const read = (file: string): GivenRom | undefined => readCardRoms(cardsWith({ file }))["gtx1050"];
      const good = read(join(folder, "good.rom"));
      expect(good?.ok === true && Buffer.compare(good.bytes, ROM) === 0).toBe(true);
      expect(read(join(folder, "none.rom"))).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/none\.rom: ENOENT/),
      });
      expect(read(folder)).toMatchObject({ ok: false, reason: expect.stringMatching(/is not a file/) });
    } finally {
      rmSync(folder, { recursive: true });
    }
    const spec = hostSchema.parse({
      connection: { host: "xeon" },
      cards: { gtx1050: { ...CARD, ids: ["10de:1c82", "10de:0fb9"], rom: FILE } },
    });
    const plan = planHost(
      spec,
      xeonFacts(),
      { stack: "test", host: "xeon" },
      {
        gtx1050: { ok: false, reason: "cannot read roms/gtx1050.rom" },
      },
    );
    if (plan.ok) throw new Error("was not refused");
    expect(plan.problems.map(({ path }) => path)).toEqual(["cards.gtx1050.ids", "cards.gtx1050.rom.file"]);
  });
});

describe("rom: {dump}", () => {
  const DUMP = { dump: true };

  test("is read from the display function, and its output is checked", () => {
    expect(stepOf(DUMP)).toMatchObject({
      key: DUMPED,
      verb: "dump",
      args: [DUMPED, "0000:03:00.0", "10de:1c81"],
      undo: ["unrom", DUMPED],
      quiet: true,
      binary: true,
      inPlace: false,
    });
    const plan = planRoms(cardsWith(DUMP), xeonFacts(), {});
    expect(plan.ok && plan.value.dumps).toEqual([{ key: DUMPED, card: "gtx1050", id: "10de:1c81" }]);
  });

  test("runs once only: not while the file is unchanged, but for another card in the slot", () => {
    expect(stepOf(DUMP, leftBy(DIGEST, { card: IDENTITY }, DIGEST, DUMPED)).inPlace).toBe(true);
    expect(stepOf(DUMP, leftBy(DIGEST, { card: "0000:03:00.0 10de:1c82" }, DIGEST, DUMPED)).inPlace).toBe(
      false,
    );
    // A file from rom: {file} is no dump, and stays until the dump was checked.
    expect(stepOf(DUMP, leftBy(DIGEST, {}))).toMatchObject({ key: DUMPED, inPlace: false });
    expect(stepOf(DUMP, leftBy(DIGEST, { card: IDENTITY }, "0".repeat(64), DUMPED))).toMatchObject({
      inPlace: false,
      drift: { found: `${DUMPED} was changed` },
    });
  });

  const changed = (change: object): Partial<Facts> => ({
    pci: xeonFacts().pci.map((one) => (one.id === "10de:1c81" ? { ...one, ...change } : one)),
  });
  test.each([
    ["the boot display", changed({ bootVga: true }), /rom\.dump: 0000:03:00\.0 is the boot display/],
    ["a card without a ROM", changed({ hasRom: false }), /has no ROM to read/],
    ["a card that a running domain has", inUse, /in use by the running domain win10/],
  ])("%s is refused in the preview", (_, facts, pattern) => {
    expect(refusal(DUMP, facts)).toMatch(pattern);
  });

  test("is accepted with a running domain after the ROM was read", () => {
    expect(refusal(DUMP, { ...inUse, ...leftBy(DIGEST, { card: IDENTITY }, DIGEST, DUMPED) })).toBe("");
  });

  test("is checked for the card", () => {
    const judge = (bytes: Uint8Array): string | undefined =>
      dumpObjection("gtx1050", pciId("10de:1c81"), Buffer.from(bytes).toString("base64"))?.problem;
    expect(judge(ROM)).toBeUndefined();
    expect(judge(readBytes(ipxeRom("efi-e1000e.rom")))).toMatch(
      /cannot work for 10de:1c81: made for 8086:10d3/,
    );
    expect(judge(new Uint8Array())).toMatch(/cannot work/);
  });
});

describe("in the domain", () => {
  const xmlWith = (rom: unknown): string => {
    const spec = hostSchema.parse({
      connection: { host: "xeon" },
      cards: { gtx1050: { ...CARD, rom } },
      domains: { win10: { profile: "reference", memory: "4 GiB", gpus: ["gtx1050"], disks: [] } },
    });
    const plan = planHost(spec, xeonFacts(), { stack: "test", host: "xeon" }, given(ROM));
    if (!plan.ok) throw new Error(formatProblems("test", plan.problems));
    return plan.value.domains[0]?.xml ?? "";
  };
  test.each([
    ["a file", { file: "roms/a.rom" }, [`bar="on" file="${PATH}"`]],
    ["a dump", { dump: true }, [`bar="on" file="${DUMPED}"`]],
    ["none", { bar: "off" }, ['bar="off"']],
    ["the card's own", undefined, []],
  ])("%s belongs to the display function only", (_, rom, expected) => {
    expect([...xmlWith(rom).matchAll(/<rom ([^>]*)\/>/g)].map(([, attributes]) => attributes)).toEqual(
      expected,
    );
  });
});
