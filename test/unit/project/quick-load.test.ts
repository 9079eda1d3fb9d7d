import { execa } from "execa";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HEAVY } from "../../../quick-load.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** What a program of its own prints, as JSON. */
const program = async <T>(code: string, env: Readonly<Record<string, string>> = {}): Promise<T> => {
  const { stdout } = await execa("node", ["--input-type=module", "--eval", code], { cwd: ROOT, env });
  return JSON.parse(stdout) as T;
};

const QUICKLY = 'import "./quick-load.ts";';

/** Serialises a function, which needs TypeScript and npm's solver, and counts those two before and after. */
const serialising = `
  import { createRequire } from "node:module";
  const { runtime } = await import("@pulumi/pulumi");
  const { cache } = createRequire(import.meta.url);
  const loaded = () => Object.keys(cache).filter((file) => /\\/(typescript\\/lib\\/typescript|arborist\\/lib\\/index)\\.js$/.test(file)).length;
  const before = loaded();
  const three = 3;
  const { text } = await runtime.serializeFunction(() => three + 1);
  const paths = await runtime.computeCodePaths();
  console.log(JSON.stringify({ before, after: loaded(), text, paths: [...paths.keys()].sort() }));
`;

describe("Pulumi's SDK", () => {
  test("loads TypeScript and npm's solver when it uses them, and does the same with them", async () => {
    const [late, early] = await Promise.all([
      program<{ before: number }>(QUICKLY + serialising),
      program<{ before: number }>(serialising),
    ]);
    expect(early.before).toBe(2);
    expect(late).toEqual({ ...early, before: 0 });
  });

  test("loads as it does by itself where that is turned off", async () => {
    const loaded = `${QUICKLY}
      import { createRequire } from "node:module";
      await import("@pulumi/pulumi");
      console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));
    `;
    const files = await program<readonly string[]>(loaded, { VFIO_FLEET_QUICK_LOAD: "off" });
    expect(files).toContainEqual(expect.stringMatching(/\/typescript\/lib\/typescript\.js$/));
    expect(files.filter((file) => /\.(late|never)\.cjs$/.test(file))).toEqual([]);
  });

  test("asks for all that is loaded late, and gets none of it before it uses it", async () => {
    // what the language host starts is cmd/run: these are its parts that load something before a program runs
    const load = `
      import { createRequire } from "node:module";
      const sdk = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"));
      for (const part of [".", "./cmd/run/instrumentation", "./cmd/run/tracing"]) sdk(part);
      sdk("source-map-support/register");
      const names = ${JSON.stringify([...HEAVY])};
    `;
    const print = "console.log(JSON.stringify(Object.keys(sdk.cache)));";
    const [loaded, files] = await Promise.all([
      program<readonly string[]>(QUICKLY + load + print),
      program<readonly string[]>(
        `${load} console.log(JSON.stringify(names.map((name) => sdk.resolve(name))));`,
      ),
    ]);
    const late = loaded.filter((file) => file.endsWith(".late.cjs"));
    expect(late.toSorted()).toEqual(files.map((file) => `${file}.late.cjs`).sort());
    expect(loaded.length).toBeGreaterThan(100);
    expect(loaded.filter((file) => files.includes(file))).toEqual([]);
    expect(loaded.filter((file) => file.includes("/source-map-support/"))).toEqual([
      expect.stringMatching(/\.never\.cjs$/),
    ]);
  });

  test("has source maps looked up by the program that runs programs", async () => {
    const { stdout } = await execa("node", [
      "--eval",
      'console.log(require("node:fs").readFileSync(require.resolve("@pulumi/pulumi/cmd/run/index.js"), "utf8"))',
    ]);
    expect(stdout).toContain('require("source-map-support/register")');
  });
});

test("zod says the same without its other languages", async () => {
  const code = `
    const { z } = await import("zod");
    console.log(JSON.stringify([z.string().safeParse(1).error.message, Object.keys(z.locales).length]));
  `;
  const [[quick, few], [plain, many]] = await Promise.all([
    program<readonly [string, number]>(QUICKLY + code),
    program<readonly [string, number]>(code),
  ]);
  expect(quick).toContain("expected string, received number");
  expect(quick).toBe(plain);
  expect(few).toBe(0);
  expect(many).toBeGreaterThan(40);
});

test("a look at hosts without an engine loads nothing of Pulumi", async () => {
  const found = await program<readonly string[]>(`
    import { createRequire } from "node:module";
    await Promise.all(["fleet/rollout/rollout", "fleet/stack/clean/settled", "fleet/targets/look", "components/host/look"].map((name) => import("./" + name + ".ts")));
    const { cache } = createRequire(import.meta.url);
    console.log(JSON.stringify(Object.keys(cache).filter((file) => file.includes("/@pulumi/"))));
  `);
  expect(found).toEqual([]);
});
