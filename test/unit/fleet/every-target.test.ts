import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CommandError } from "../../../fleet/ground/command-error.ts";
import { everyTarget, shownNames } from "../../../fleet/targets/target.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vfio-fleet-stacks-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const stack = (name: string, text: string): void => writeFileSync(join(folder, `Pulumi.${name}.yaml`), text);
const host = (name: string): string =>
  `config:\n  vfio-fleet:hosts:\n    ${name}:\n      connection: { host: 192.0.2.1 }\n`;

test("a stack that cannot be read is named, and the others are read", async () => {
  stack("a", host("one"));
  stack("b", "config: [");
  stack("c", host("two").replace("192.0.2.1", "[]"));
  const { targets, unread } = await everyTarget(folder);
  expect(targets.map(({ name, stack: of }) => `${of} ${name}`)).toEqual(["a one"]);
  expect(unread.map(({ stack: of }) => of)).toEqual(["b", "c"]);
  expect(unread[0]?.message).toContain("stacks/Pulumi.b.yaml cannot be read");
  expect(unread[1]?.message).toContain("hosts.two.connection.host");
});

test("hosts of one name are shown with their stacks, and keep their names in the plan", async () => {
  for (const name of ["a", "b"]) stack(name, host("gpu"));
  stack("c", host("other"));
  const { targets } = await everyTarget(folder);
  expect(shownNames(targets)).toEqual(["a/gpu", "b/gpu", "other"]);
  expect(targets.map(({ name }) => name)).toEqual(["gpu", "gpu", "other"]);
});

test("no stack at all is an error", async () => {
  await expect(everyTarget(folder)).rejects.toThrow(/there is no stack/);
  await expect(everyTarget(folder)).rejects.toBeInstanceOf(CommandError);
});
