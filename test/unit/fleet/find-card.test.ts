import { describe, expect, test } from "vitest";
import { hostSchema } from "../../../components/host/host-spec.ts";
import type { Connection } from "../../../components/ssh/connection.ts";
import type { Target } from "../../../fleet/targets/target.ts";
import { findCard } from "../../../fleet/rom/find-card.ts";

const connection: Connection = {
  host: "192.0.2.10",
  port: 22,
  user: "root",
  auth: { kind: "agent", socket: "/run/agent" },
};
const target = (name: string, cards: Record<string, string>): Target => ({
  name,
  stack: "rack",
  spec: hostSchema.parse({
    connection: { host: name },
    cards: Object.fromEntries(
      Object.entries(cards).map(([card, address]) => [card, { address, ids: ["10de:1c81", "10de:0fb9"] }]),
    ),
  }),
  connection: { ok: true, value: { ...connection, host: name } },
});
const RACK = [target("one", { gtx1050: "03:00.0" }), target("two", { gtx1050: "04:00.0", spare: "05:00.0" })];

describe("a card is found", () => {
  test.each([
    ["by a name that only one host has", "spare", "two", "0000:05:00.0"],
    ["by host and name", "one/gtx1050", "one", "0000:03:00.0"],
  ])("%s, with the id in the stack", (_, text, host, address) => {
    expect(findCard(RACK, text)).toMatchObject({ host, address, id: "10de:1c81" });
  });

  test("by its address, on a host without a stack", () => {
    const plain: Target = { name: "root@host", connection: { ok: true, value: connection } };
    expect(findCard([plain], "01:00.0")).toEqual({ host: "root@host", connection, address: "0000:01:00.0" });
  });
});

test.each([
  ["a name that several hosts have", "gtx1050", /is on several hosts: one, two\. Write HOST\/gtx1050/],
  ["an unknown name", "gtx1060", /no card "gtx1060"; the cards are one\/gtx1050, two\/gtx1050, two\/spare/],
  ["an address on several hosts", "01:00.0", /is on several hosts: one, two\. Name the SSH target/],
])("refused: %s", (_, text, pattern) => {
  expect(() => findCard(RACK, text)).toThrow(pattern);
});

test("a host that cannot be reached as described is refused with the reason", () => {
  const broken: Target = {
    ...target("one", { gtx1050: "03:00.0" }),
    connection: {
      ok: false,
      problems: [{ path: "connection.privateKeyFile", problem: "cannot read key", remedy: "name another" }],
    },
  };
  expect(() => findCard([broken], "gtx1050")).toThrow(/connection\.privateKeyFile: cannot read key/);
});
