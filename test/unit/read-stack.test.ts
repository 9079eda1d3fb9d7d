import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readStack } from "../../stacks/read.ts";

const host = { connection: { host: "xeon" } };
const problems = (hosts: unknown): string[] => {
  const result = readStack({ hosts });
  return result.ok ? [] : result.problems.map((one) => `${one.path}: ${one.problem} → ${one.remedy}`);
};

test("every stack file of the project fits the schema", () => {
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

test("all mistakes are reported at once", () => {
  const cards = { a: { address: "1:2", ids: ["10de:1c81"] }, b: { address: "01:00.0", ids: ["nvidia"] } };
  expect(
    problems({ xeon: { ...host, cards, kernel: { arguments: ["a b"], reboot: "later" } } }),
  ).toHaveLength(4);
});

test("text of a private key is no setting", () => {
  const connection = { host: "xeon", privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----" };
  expect(problems({ xeon: { connection } })).toEqual([expect.stringContaining('"privateKeyFile"')]);
});

test.each(["$(reboot)", "a b", "`id`", 'x="y"', "a\nb", "a;b", "vfio_fleet.trial=1"])(
  "the kernel argument %j is refused",
  (argument) => {
    expect(problems({ xeon: { ...host, kernel: { arguments: [argument] } } })).toHaveLength(1);
  },
);
