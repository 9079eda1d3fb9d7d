import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readStack } from "../../../stacks/read.ts";

const host = { connection: { host: "xeon" } };
const problems = (hosts: unknown): string[] => {
  const result = readStack({ hosts });
  return result.ok ? [] : result.problems.map((one) => `${one.path}: ${one.problem} → ${one.remedy}`);
};

test("every stack file of the project is valid", () => {
  const files = readdirSync("stacks").filter((name) => /^Pulumi\..*\.yaml$/.test(name));
  expect(files.length).toBeGreaterThanOrEqual(4);
  for (const file of files) {
    const { config } = parse(readFileSync(`stacks/${file}`, "utf8")) as { config: Record<string, unknown> };
    expect([file, ...problems(config["vfio-fleet:hosts"])]).toEqual([file]);
  }
});

test("an unknown key names the nearest known one", () => {
  expect(problems({ xeon: { ...host, headles: true } })).toEqual([
    expect.stringMatching(/^vfio-fleet:hosts\.xeon\.headles: unknown setting → did you mean "headless"\?/),
  ]);
  expect(problems({ xeon: { ...host, kernel: { bindings: "id" } } })).toEqual([
    expect.stringMatching(/hosts\.xeon\.kernel\.bindings: .*did you mean "binding"\?/),
  ]);
  expect(problems({ xeon: { connection: { host: "xeon", hostkey: "x" } } })).toEqual([
    expect.stringMatching(/connection\.hostkey: .*"hostKey"/),
  ]);
});

test("a name that may not be one says why", () => {
  expect(problems({ xeon: { ...host, kernel: { moduleOptions: { "kvm-intel": {} } } } })).toEqual([
    expect.stringMatching(/moduleOptions\.kvm-intel: expected a module's name with underscores/),
  ]);
});

test("all mistakes are reported at once", () => {
  const cards = { a: { address: "1:2", ids: ["10de:1c81"] }, b: { address: "01:00.0", ids: ["nvidia"] } };
  expect(
    problems({ xeon: { ...host, cards, kernel: { arguments: ["a b"], reboot: "later" } } }),
  ).toHaveLength(4);
});

test("a private key's text is no valid setting", () => {
  const connection = { host: "xeon", privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----" };
  expect(problems({ xeon: { connection } })).toEqual([expect.stringContaining('"privateKeyFile"')]);
});

test.each(["$(reboot)", "a b", "`id`", 'x="y"', "a\nb", "a;b", "vfio_fleet.trial=1"])(
  "the kernel argument %j is refused",
  (argument) => {
    expect(problems({ xeon: { ...host, kernel: { arguments: [argument] } } })).toHaveLength(1);
  },
);

/** Problems of one domain, or of one card, as `path below it: problem → remedy`. */
const ofDomain = (domain: object): string[] =>
  problems({ xeon: { ...host, domains: { win: { profile: "reference", ...domain } } } }).map((line) =>
    line.replace("vfio-fleet:hosts.xeon.domains.win.", ""),
  );

describe("an error in a setting with several forms concerns the form that was meant", () => {
  test.each<readonly [what: string, domain: object, lines: readonly RegExp[]]>([
    [
      "a mistake in a field's name",
      { lookingGlass: { sizeMib: 32 } },
      [/^lookingGlass\.sizeMib: unknown setting → did you mean "sizeMiB"\? Known here: sizeMiB, name$/],
    ],
    [
      "a field's value",
      { lookingGlass: { sizeMiB: 33 } },
      [/^lookingGlass\.sizeMiB: expected a power of two/],
    ],
    [
      "a value of another kind",
      { lookingGlass: "of" },
      [/^lookingGlass: expected off or a mapping such as \{sizeMiB: 32\} → /],
    ],
    ["a list's own rule", { gpus: ["a", "a"] }, [/^gpus: names a card twice → /]],
    [
      "a number that is too small",
      { gpus: { any: 0 } },
      [/^gpus\.any: Too small: expected number to be >=1 → /],
    ],
    ["a path", { install: { iso: "win.iso" } }, [/^install\.iso: expected an absolute path/]],
    [
      "a field of the longer form",
      { install: { iso: { path: "/x.iso", sha: "1" } } },
      [/^install\.iso\.sha: unknown setting → did you mean "sha256"\? Known here: path, sha256$/],
    ],
    [
      "an unknown type",
      { disks: [{ type: "volum", sizeGiB: 3 }] },
      [
        /^disks\.0\.type: "volum" is none of those that there are → did you mean "volume"\? Known here: volume, existing-volume/,
      ],
    ],
    [
      "fields of the type that is named, among several",
      { networks: [{ type: "bridge", bridge: "br0", mack: "x" }] },
      [
        /^networks\.0\.mack: unknown setting → did you mean "mac"\? Known here: type, bridge, model, mac, link$/,
      ],
    ],
    [
      "a word that no form has",
      { hyperv: { enlightenments: "turbo" } },
      [/^hyperv\.enlightenments: expected none, host or a list of names → /],
    ],
    [
      "a slip in the key that tells the forms apart",
      { patch: [{ path: "cpu", remov: true }] },
      [
        /^patch\.0\.remov: unknown setting → did you mean "remove"\? Known here: path, set, append, remove$/,
        /^patch\.0: expected a path with one of set, append and remove → /,
      ],
    ],
    [
      "two forms in one",
      { patch: [{ path: "cpu", set: "<cpu/>", remove: true }] },
      [/^patch\.0: expected a path with one of set, append and remove → /],
    ],
    ["no type", { disks: [{ sizeGiB: 3 }] }, [/^disks\.0\.type: is missing → Known here: volume/]],
    [
      "fields of the named type",
      { disks: [{ type: "volume", sizeGb: 3 }] },
      [
        /^disks\.0\.sizeGiB: is missing: expected number → /,
        /^disks\.0\.sizeGb: unknown setting → did you mean "sizeGiB"\? Known here: type, pool, name, sizeGiB/,
      ],
    ],
  ])("%s", (_, domain, lines) => {
    expect(ofDomain(domain)).toEqual(lines.map((line) => expect.stringMatching(line)));
  });

  test("a setting's own message is kept", () => {
    const cards = { a: { address: "01:00.0", ids: ["10de:1c81"], rom: "x.rom" } };
    expect(problems({ xeon: { ...host, cards } })).toEqual([
      expect.stringContaining("cards.a.rom: expected {file: PATH}, {dump: true} or {bar: off}"),
    ]);
  });
});
