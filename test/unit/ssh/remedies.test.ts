import { expect, test } from "vitest";
import type { Described, Hop } from "../../../components/ssh/connection.ts";
import { remedies, type Remedies } from "../../../components/ssh/remedies.ts";

const KEY = "ssh-ed25519 AAAA";
const hop = (described: Partial<Described>): Hop => ({
  host: "192.0.2.1",
  port: 2222,
  user: "op",
  auth: { kind: "agent", socket: "/run/agent" },
  described: {
    by: "stack",
    host: "box",
    knownAs: "[192.0.2.1]:2222",
    keyIsKnown: false,
    passedOver: [],
    ...described,
  },
});
const all = ({ unknownKey, ...rest }: Remedies): string[] => [unknownKey(KEY), ...Object.values(rest)];

test("a command that was given a host is told of its options and known_hosts, never of settings of a stack", () => {
  const said = all(remedies(hop({ by: "command line" })));
  for (const remedy of said)
    expect(remedy).not.toMatch(/stack file|connection\.|hostKey|privateKeyFile|secrets|pulumi/);
  expect(said[0]).toContain(`--host-key '${KEY}'`);
  expect(said[0]).toMatch(/^ +\[192\.0\.2\.1\]:2222 ssh-ed25519 AAAA$/m);
});

test("a stack is told of its settings, never of options that pulumi does not have", () => {
  const said = all(remedies(hop({ by: "stack" })));
  for (const remedy of said) expect(remedy).not.toMatch(/--(identity|host-key|ssh-config)/);
  expect(said[0]).toContain(`hostKey: "${KEY}"`);
});

test("a connection that a program made by hand is told as a stack is", () => {
  const { described: _, ...byHand } = hop({});
  expect(all(remedies(byHand))).toEqual(all(remedies(hop({}))));
});

test.each(["stack", "command line"] as const)(
  "a key that came from known_hosts is changed there: %s",
  (by) => {
    const { changedKey, otherKeyType } = remedies(hop({ by, keyIsKnown: true }));
    for (const remedy of [changedKey, otherKeyType])
      expect(remedy).toBe("take the old key out of known_hosts: ssh-keygen -R '[192.0.2.1]:2222'");
  },
);

test("a lab host that does not answer is started", () => {
  const { nothingListens, silent } = remedies(hop({ by: "lab", host: "lab-xeon" }));
  expect([nothingListens, silent]).toEqual(
    Array(2).fill("start the lab host: npm run lab -- up lab-xeon, or npm run demo"),
  );
});
