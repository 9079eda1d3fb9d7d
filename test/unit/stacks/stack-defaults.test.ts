import { describe, expect, test } from "vitest";
import { mergeSettings } from "../../../stacks/merge.ts";
import { readStack } from "../../../stacks/read.ts";

const card = { address: "0000:01:00.0", ids: ["10de:1c81"] };
const host = (more: object = {}) => ({ connection: { host: "192.0.2.1" }, ...more });
const problems = (raw: Parameters<typeof readStack>[0]): string[] => {
  const result = readStack(raw);
  return result.ok ? [] : result.problems.map(({ path }) => path);
};

describe("settings that hosts share", () => {
  test("are merged as mappings, while lists and values are replaced and null removes", () => {
    expect(
      mergeSettings(
        { kernel: { drain: true, arguments: ["a", "b"] }, headless: true, libvirt: { group: "kvm" } },
        { kernel: { arguments: ["c"] }, headless: false, libvirt: null },
      ),
    ).toEqual({ kernel: { drain: true, arguments: ["c"] }, headless: false });
  });

  test("a section with nothing but comments below it is as if it was not there, in the defaults too", () => {
    const sections = { cards: null, kernel: null, libvirt: null, storage: null, domains: null };
    for (const raw of [
      { hosts: { a: host(sections) } },
      { defaults: sections, hosts: { a: host() } },
      { defaults: { kernel: { drain: true } }, hosts: { a: host({ cards: null }) } },
    ])
      expect(readStack(raw)).toMatchObject({ ok: true, value: { hosts: { a: { cards: {}, domains: {} } } } });
    expect(problems({ hosts: { a: { connection: null } } })).toEqual(["vfio-fleet:hosts.a.connection"]);
    // below a section a name without anything is a mistake
    expect(problems({ hosts: { a: host({ domains: { win: null } }) } })).toEqual([
      "vfio-fleet:hosts.a.domains.win",
    ]);
  });

  test("are below each host's own", () => {
    const read = readStack({
      defaults: { connection: { user: "op", port: 2222 }, kernel: { reboot: "ask" } },
      hosts: { a: host({ cards: { gpu: card } }), b: host({ kernel: { reboot: "never" } }) },
    });
    expect(read).toMatchObject({
      ok: true,
      value: {
        hosts: {
          a: { connection: { host: "192.0.2.1", user: "op", port: 2222 }, kernel: { reboot: "ask" } },
          b: { connection: { user: "op" }, kernel: { reboot: "never" } },
        },
      },
    });
  });

  test("a mistake in them is reported once, at its place; a host's own mistake at the host", () => {
    expect(
      problems({
        defaults: { kernel: { reboot: "sometimes", reboots: 1 } },
        hosts: { a: host(), b: host(), c: host({ kernel: { drian: true } }) },
      }),
    ).toEqual([
      "vfio-fleet:defaults.kernel.reboot",
      "vfio-fleet:defaults.kernel.reboots",
      "vfio-fleet:hosts.c.kernel.drian",
    ]);
  });

  test("a missing setting is reported at the host", () => {
    expect(problems({ defaults: { connection: { user: "op" } }, hosts: { a: {} } })).toEqual([
      "vfio-fleet:hosts.a.connection.host",
    ]);
  });

  test("a mistake in a replaced value belongs to the host", () => {
    expect(
      problems({ defaults: { kernel: { drain: true } }, hosts: { a: host({ kernel: { drain: "yes" } }) } }),
    ).toEqual(["vfio-fleet:hosts.a.kernel.drain"]);
  });

  test.each([["text"], [[]], [1]])("%j are none", (defaults) => {
    expect(problems({ defaults, hosts: { a: host() } })).toEqual(["vfio-fleet:defaults"]);
  });
});

test("labels are strings, whatever YAML makes of them", () => {
  expect(readStack({ hosts: { a: host() }, labels: { rack: 7, spare: false, room: "b" } })).toMatchObject({
    ok: true,
    value: { labels: { rack: "7", spare: "false", room: "b" } },
  });
});
