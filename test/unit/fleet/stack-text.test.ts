import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { cardReports } from "../../../components/plan/cards/card-report.ts";
import { planHost } from "../../../components/host/plan-host.ts";
import { parsePciIds, type PciNames } from "../../../components/facts/pci-ids.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import type { Connection } from "../../../components/ssh/connection.ts";
import { stackText } from "../../../fleet/init/stack-text.ts";
import { readStack } from "../../../stacks/read.ts";
import { hostFacts, hostNames } from "../../fixtures/hosts.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

const names = parsePciIds("10de  NVIDIA Corporation\n\t1c81  GP107 [GeForce GTX 1050]\n");
const connection: Connection = {
  host: "192.0.2.10",
  port: 2222,
  user: "op",
  hostKey: "ssh-ed25519 AAAA",
  auth: { kind: "key", path: "/home/op/.ssh/id", privateKey: "the private key" },
};
const made = (more: Partial<Parameters<typeof stackText>[0]> = {}): string =>
  stackText({ stack: "xeon", labels: {}, connection, approved: true, facts: xeonFacts(), names, ...more });
const hosts = (text: string): unknown =>
  (parse(text) as { config: Record<string, unknown> }).config["vfio-fleet:hosts"];

test("the file describes the connection and the cards that can be handed over, and it is a valid stack", () => {
  const text = made({ labels: { rack: "7" } });
  expect(hosts(text)).toMatchObject({
    xeon: {
      connection: {
        host: "192.0.2.10",
        port: 2222,
        user: "op",
        privateKeyFile: "/home/op/.ssh/id",
        hostKey: "ssh-ed25519 AAAA",
      },
      cards: { "geforce-gtx-1050": { address: "0000:03:00.0", ids: ["10de:1c81", "10de:0fb9"] } },
    },
  });
  expect(text).toContain("# NVIDIA GeForce GTX 1050, IOMMU group 30, driver nouveau, snd_hda_intel");
  expect(text).not.toContain("the private key");
  expect(readStack({ hosts: hosts(text), labels: { rack: "7" } })).toMatchObject({ ok: true });
});

test("an unapproved key is a comment, to be compared", () => {
  const text = made({ approved: false });
  expect(hosts(text)).not.toHaveProperty("xeon.connection.hostKey");
  expect(text).toMatch(/^ {8}#hostKey: "ssh-ed25519 AAAA"$/m);
});

test("a card that cannot be handed over is a comment with the reason", () => {
  const text = made();
  expect(text).toMatch(
    /# 0000:08:00\.0 is the server's management display[^\n]*\n(\s+# [^\n]*\n)*\s+#[a-z0-9-]+: \{ address: "0000:08:00\.0"/,
  );
});

test.each(hostNames())("for %s the file is a valid stack", (name) => {
  const text = made({ facts: hostFacts(name) });
  const read = readStack({ hosts: hosts(text) });
  expect(read.ok ? [] : read.problems).toEqual([]);
});

/** A host whose only card is its screen, with the IOMMU on or off. */
const single = (iommu: boolean): Facts => {
  const facts = hostFacts("fx-8350");
  const [card] = cardReports(facts);
  const own = new Set(card?.functions.map(({ address }) => address));
  return {
    ...facts,
    iommu: iommu ? facts.iommu : { units: [], groups: 0 },
    pci: facts.pci
      .filter((device) => own.has(device.address) || !device.class.startsWith("03"))
      .map((device) => ({
        ...device,
        iommuGroup: iommu ? device.iommuGroup : null,
        ...(device.address === card?.address && { bootVga: true }),
      })),
  };
};

describe("in every state that a person may leave it in", () => {
  /** A setting that is off, as the file's second line says: right behind a #. */
  const OFF = /^( *)#([^ #].*)$/;
  /** A setting of one line that is in force, below a section. */
  const ON = /^( {8,})([^ #].*)$/;
  const toggled = (text: string, at: (index: number) => boolean): string =>
    text
      .split("\n")
      .map((line, index) => {
        if (!at(index)) return line;
        return OFF.test(line) ? line.replace(OFF, "$1$2") : line.replace(ON, "$1#$2");
      })
      .join("\n");
  const problems = (text: string): string[] => {
    const read = readStack({ hosts: hosts(text) });
    return read.ok ? [] : read.problems.map(({ path, problem }) => `${path} ${problem}`);
  };
  const machines = new Map<string, () => Facts>([
    ...hostNames().map((name) => [name, () => hostFacts(name)] as const),
    ["one card, IOMMU on", () => single(true)],
    ["one card, IOMMU off", () => single(false)],
    ["no card", () => xeonFacts({ pci: [] })],
  ]);

  test.each([...machines.keys()])("%s: any settings switched on", (name) => {
    const facts = machines.get(name)?.() ?? xeonFacts();
    const text = made({ facts, approved: false });
    const offs = text.split("\n").flatMap((line, index) => (OFF.test(line) ? [index] : []));
    expect(offs.length).toBeGreaterThan(1);
    fc.assert(
      fc.property(fc.subarray(offs), (some) => {
        const state = toggled(text, (index) => some.includes(index));
        expect(problems(state)).toEqual([]);
        // Pulumi would write a section of comments as null, and those elsewhere
        expect(JSON.stringify(hosts(state))).not.toContain("null");
        const host = readStack({ hosts: hosts(state) });
        const plan = host.ok && host.value.hosts["xeon"];
        const planned = plan && planHost(plan, facts, { stack: "xeon", host: "xeon" });
        const refused = !planned || planned.ok ? [] : planned.problems.map(({ path }) => path);
        expect(refused.filter((path) => path.endsWith(".gpus"))).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test.each([...machines.keys()])("%s: any settings off, what is missing is named", (name) => {
    const facts = machines.get(name)?.() ?? xeonFacts();
    const text = made({ facts });
    const lines = text.split("\n").flatMap((line, index) => (OFF.test(line) || ON.test(line) ? [index] : []));
    fc.assert(
      fc.property(fc.subarray(lines), (some) => {
        const state = toggled(text, (index) => some.includes(index));
        for (const problem of problems(state))
          expect(problem).toMatch(/^vfio-fleet:hosts\.xeon\.connection(\.host)? is missing/);
      }),
      { numRuns: 30 },
    );
  });

  test("one card that is the screen: the setting and the card are off, one line each, and named for the domain", () => {
    for (const facts of [single(true), single(false)]) {
      const text = made({ facts });
      expect(hosts(text)).not.toHaveProperty("xeon.cards");
      expect(text).toMatch(/^ {6}#headless: true$/m);
      expect(text).toMatch(/^ {6}#cards: \{ .*address: "0000:01:00\.0".* \}$/m);
      expect(text).toMatch(/gpus: \[[a-z0-9-]+\]$/m);
      const on = hosts(toggled(text, (index) => OFF.test(text.split("\n")[index] ?? "")));
      expect(on).toMatchObject({ xeon: { headless: true, cards: {}, domains: { win11: {} } } });
      expect(on).not.toHaveProperty("xeon.domains.win11.gpus");
    }
  });
});

test("cards have different names, which the stack takes, whatever the list calls them", () => {
  const words = fc.constantFrom("2", "4090", "null", "no", "RTX", "x".repeat(70), "A-2", "[", '"', ":");
  const facts = hostFacts("eight-cards");
  const ids: string[] = [...new Set(facts.pci.map(({ id }) => id))];
  fc.assert(
    fc.property(fc.array(fc.array(words, { maxLength: 3 }), { minLength: ids.length }), (models) => {
      const called: PciNames = {
        vendor: () => "Maker Corporation",
        device: (id) => models[ids.indexOf(id)]?.join(" ") ?? "",
        class: () => undefined,
      };
      const text = made({ facts, names: called, stack: "123" }).replaceAll(/^( *)#([^ #].*)$/gm, "$1$2");
      const read = readStack({ hosts: hosts(text) });
      expect(read.ok ? [] : read.problems).toEqual([]);
      expect(Object.keys(read.ok ? (read.value.hosts["123"]?.cards ?? {}) : {})).toHaveLength(
        cardReports(facts).length,
      );
    }),
    { numRuns: 50 },
  );
});

test("what a host says of itself cannot leave its comment or its quotes", () => {
  const facts = xeonFacts({ distro: { id: "debian", version: "12", like: [], name: "x\nconfig: {}\n#" } });
  const text = made({ facts, connection: { ...connection, host: 'x"\n  y: z' } });
  expect(Object.keys(parse(text) as object)).toEqual(["config"]);
  expect(Object.keys((hosts(text) as { xeon: { connection: object } }).xeon.connection)).not.toContain("y");
});
