import { describe, expect, test } from "vitest";
import type { Facts } from "../../../components/facts/facts.ts";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { hostsWithCard, hostsWithDomain, nameOf, only, type FleetHost } from "../../../fleet/gpu/hosts.ts";
import { chooseHost } from "../../../fleet/gpu/choose-host.ts";
import { cardRows } from "../../../fleet/gpu/list.ts";
import { definition } from "../support/fake-libvirt.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

const host = (
  name: string,
  cards: readonly string[],
  domains: Readonly<Record<string, object>> = {},
): FleetHost => ({
  stack: "rack",
  name,
  spec: hostSchema.parse({
    connection: { host: name },
    cards: Object.fromEntries(
      cards.map((card, index) => [card, { address: `0${index + 3}:00.0`, ids: ["10de:1c81", "10de:0fb9"] }]),
    ),
    domains: Object.fromEntries(
      Object.entries(domains).map(([domain, more]) => [domain, { profile: "reference", disks: [], ...more }]),
    ),
  }),
  connection: () => {
    throw new Error("no host is probed here");
  },
});
const RACK = [
  host("one", ["inno3d", "spare"], { game: { gpus: ["inno3d"] } }),
  host("two", ["inno3d"], { game: { gpus: { any: 1 } }, work: {} }),
];
const names = (found: readonly FleetHost[]): string[] => found.map(({ name }) => name);

test("a card or a domain is found by its name, with its host's name if that is needed", () => {
  expect(names(hostsWithDomain(RACK, "game"))).toEqual(["one", "two"]);
  expect(names(hostsWithDomain(RACK, "two/game"))).toEqual(["two"]);
  expect(only(hostsWithCard(RACK, "spare"), "spare").name).toBe("one");
  expect(only(hostsWithCard(RACK, "two/inno3d"), "two/inno3d").name).toBe("two");
  expect(nameOf("two/inno3d")).toBe("inno3d");
});

test("an ambiguous name is an error", () => {
  expect(() => only(hostsWithCard(RACK, "inno3d"), "inno3d")).toThrow(
    /"?inno3d"? is on several hosts: one \(stack rack\), two \(stack rack\)\. Write HOST\/inno3d/,
  );
  expect(() => hostsWithCard(RACK, "gtx")).toThrow(/no stack has a card "gtx"; there are inno3d, spare/);
  expect(() => hostsWithDomain(RACK, "two/x")).toThrow(
    /no stack has a domain "two\/x"; there are game, work/,
  );
});

test("the list shows who has a card, and who lists it", () => {
  const xml = definition("other", { functions: ["0000:03:00.1"] });
  const facts = xeonFacts({
    libvirt: {
      socket: true,
      domains: [{ name: "other", running: true, autostart: false, xml, liveXml: xml }],
    },
  });
  const plain = (_: unknown, text: string): string => text;
  const [one] = RACK;
  if (!one) throw new Error("no host");
  expect(cardRows(one, facts, plain)).toEqual([
    ["one", "inno3d", "03:00.0", "other", "game"],
    ["one", "spare", "04:00.0", "free", ""],
  ]);
  expect(cardRows(one, xeonFacts(), plain)[0]?.[3]).toBe("the host (nouveau)");
});

describe("any chooses a host that has the domain and a free card", () => {
  const game = { game: { gpus: ["inno3d"] } };
  const [one, two] = [host("one", ["inno3d"], game), host("two", ["inno3d"], game)];
  const xml = definition("game", { functions: ["0000:03:00.0"] });
  const withDomains = (...holders: readonly string[]): Facts =>
    xeonFacts({
      libvirt: {
        socket: true,
        domains: ["game", "other"].map((name) => ({
          name,
          running: holders.includes(name),
          autostart: false,
          xml,
          ...(holders.includes(name) && { liveXml: xml }),
        })),
      },
    });
  const chosen = (first: Facts, second: Facts): string => {
    const choice = chooseHost(
      [
        { host: one, facts: first },
        { host: two, facts: second },
      ],
      "game",
      undefined,
    );
    return choice.ok ? `${choice.host.name}: ${choice.over.cards.join()}` : choice.message;
  };

  test("the first possible host is chosen", () => {
    expect(chosen(withDomains(), withDomains())).toBe("one: inno3d");
  });
  test("a host whose card another domain has is not chosen", () => {
    expect(chosen(withDomains("other"), withDomains())).toBe("two: inno3d");
  });
  test("the host on which the domain runs is chosen, so that it does not run twice", () => {
    expect(chosen(withDomains(), withDomains("game"))).toBe("two: inno3d");
  });
  test("without a possible host every host gives its reason", () => {
    expect(chosen(withDomains("other"), withDomains("other"))).toMatch(/^one: 1 problem[^]*\ntwo: 1 problem/);
  });
});
