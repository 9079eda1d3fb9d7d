import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOMS, rules } from "../../../rooms.ts";

/** A file of each room, of a tree that holds nothing but imports. */
const FILES: Readonly<Record<keyof typeof ROOMS, string>> = {
  facts: "components/facts/one.ts",
  "option-rom": "components/option-rom/one.ts",
  ssh: "components/ssh/one.ts",
  plan: "components/plan/cards/one.ts",
  drivers: "components/drivers/bootloader/grub/one.ts",
  probe: "components/probe/one.ts",
  agent: "components/agent/one.ts",
  host: "components/host/one.ts",
  doctor: "components/doctor/rules/card/one.ts",
  components: "components/one.ts",
  stacks: "stacks/one.ts",
  program: "index.ts",
  "quick-load": "quick-load.ts",
  policy: "policy/one.ts",
  ground: "fleet/ground/one.ts",
  stack: "fleet/stack/one.ts",
  targets: "fleet/targets/one.ts",
  commands: "fleet/doctor/one.ts",
  lab: "lab/one.ts",
};
type Name = keyof typeof ROOMS;
const names = Object.keys(FILES) as Name[];
const mayImport = (room: Name, other: Name): boolean =>
  (ROOMS[room].rooms as readonly string[]).includes(other);
const mayUse = (room: Name, name: string): boolean =>
  (ROOMS[room].packages as readonly string[]).includes(name);
const pathTo = (from: string, to: string): string => {
  const path = relative(dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
};

let tree: string;
beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "vfio-fleet-rooms-"));
  symlinkSync(resolve("node_modules"), join(tree, "node_modules"));
});
afterAll(() => rmSync(tree, { recursive: true }));

/** What the check says of a tree of these files: `rule: from -> to`. */
const reported = async (files: Readonly<Record<string, string>>): Promise<string[]> => {
  const folder = mkdtempSync(join(tree, "tree-"));
  symlinkSync(join(tree, "node_modules"), join(folder, "node_modules"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { tsConfig: _, enhancedResolveOptions, ...options } = rules.options;
  const { output } = await cruise(
    Object.keys(files),
    { ...options, baseDir: folder, validate: true, ruleSet: { forbidden: rules.forbidden } },
    enhancedResolveOptions,
  );
  return (output as ICruiseResult).summary.violations.map(
    ({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`,
  );
};

const EVERYTHING = Object.fromEntries(
  names.map((name) => [FILES[name], "export type Thing = 1;\nexport const thing = 1;\n"]),
);

test.each(names)(
  "%s: every import that its line does not allow is reported, every other is not",
  async (name) => {
    const from = FILES[name];
    const others = names.filter((other) => other !== name);
    const text = others.map(
      (other) => `export { thing as ${other.replace("-", "")} } from "${pathTo(from, FILES[other])}";\n`,
    );
    const found = await reported({ ...EVERYTHING, [from]: text.join("") });
    const refused = others.filter((other) => !mayImport(name, other));
    expect(found.filter((line) => line.startsWith("room-")).toSorted()).toEqual(
      refused.map((other) => `room-${name}: ${from} -> ${FILES[other]}`).toSorted(),
    );
  },
);

test("types and import() count as imports", async () => {
  const from = FILES.facts;
  const found = await reported({
    ...EVERYTHING,
    [from]: `import type { Thing } from "${pathTo(from, FILES.plan)}";\nexport type Other = Thing;\nexport const load = () => import("${pathTo(from, FILES.ssh)}");\n`,
  });
  expect(found).toEqual([`room-facts: ${from} -> ${FILES.plan}`, `room-facts: ${from} -> ${FILES.ssh}`]);
});

test("only the room of SSH names ssh2, and only the rooms that know Pulumi name its packages", async () => {
  const imports = ["ssh2", "@pulumi/pulumi", "@pulumi/command"];
  const text = imports.map((name) => `import "${name}";\n`).join("");
  const found = await reported(Object.fromEntries(names.map((name) => [FILES[name], text])));
  const refused = names.flatMap((name) =>
    imports.filter((module) => !mayUse(name, module)).map((module) => [name, module] as const),
  );
  for (const [name, module] of refused)
    expect(found).toContainEqual(
      expect.stringMatching(`^room-${name}: ${FILES[name]} -> .*node_modules/(@types/)?${module}/`),
    );
  expect(found).toHaveLength(refused.length);
  expect(names.filter((name) => mayUse(name, "ssh2"))).toEqual(["ssh"]);
});

test("a module of Node that reads files is reported where nothing may be read", async () => {
  const text = 'import "node:fs";\nimport "node:crypto";\n';
  const found = await reported({ [FILES.plan]: text, [FILES.ssh]: text });
  expect(found).toEqual([`room-plan: ${FILES.plan} -> fs`]);
});

test("a circle is reported, one of types alone as well", async () => {
  const [one, other] = ["components/plan/one.ts", "components/plan/other.ts"];
  const found = await reported({
    [one]: 'import type { Other } from "./other.ts";\nexport type One = Other;\n',
    [other]: 'import type { One } from "./one.ts";\nexport type Other = 1 | One[];\n',
  });
  expect(found.map((line) => line.split(":")[0])).toContain("no-circle");
});

test("a file of a folder that has no room is reported", async () => {
  const found = await reported({ "components/attic/one.ts": 'import "node:fs";\n' });
  expect(found).toEqual(["no-room: components/attic/one.ts -> fs"]);
});
