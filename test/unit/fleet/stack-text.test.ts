import { expect, test } from "vitest";
import { parse } from "yaml";
import { parsePciIds } from "../../../components/facts/pci-ids.ts";
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
  expect(text).toMatch(/^ {8}# hostKey: "ssh-ed25519 AAAA"$/m);
});

test("a card that cannot be handed over is a comment with the reason", () => {
  const text = made();
  expect(text).toMatch(
    /# 0000:08:00\.0 is the server's management display[^\n]*\n(\s+#[^\n]*\n)*\s+# {3}address: "0000:08:00\.0"/,
  );
});

test.each(hostNames())("for %s the file is a valid stack", (name) => {
  const text = made({ facts: hostFacts(name) });
  const read = readStack({ hosts: hosts(text) });
  expect(read.ok ? [] : read.problems).toEqual([]);
});

test("text from a host cannot leave its comment or its quotes", () => {
  const facts = xeonFacts({ distro: { id: "debian", version: "12", like: [], name: "x\nconfig: {}\n#" } });
  const text = made({ facts, connection: { ...connection, host: 'x"\n  y: z' } });
  expect(Object.keys(parse(text) as object)).toEqual(["config"]);
  expect(Object.keys((hosts(text) as { xeon: { connection: object } }).xeon.connection)).not.toContain("y");
});
