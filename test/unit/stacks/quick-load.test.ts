import { execa } from "execa";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

const script = (first: string): string => `
  ${first}
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

const run = async (first: string) => {
  const { stdout } = await execa("node", ["--input-type=module", "--eval", script(first)], { cwd: ROOT });
  return JSON.parse(stdout) as { before: number; after: number; text: string; paths: string[] };
};

test("Pulumi's SDK loads TypeScript and npm's solver only when it uses them, with the same results", async () => {
  const [late, early] = await Promise.all([run('import "./stacks/quick-load.ts";'), run("")]);
  expect(early.before).toBe(2);
  expect(late).toEqual({ ...early, before: 0 });
});

test("a probe of hosts without an engine loads nothing of Pulumi", async () => {
  const look = `
    import { createRequire } from "node:module";
    await Promise.all(["rollout/rollout", "stack/clean/settled", "targets/look"].map((name) => import("./fleet/" + name + ".ts")));
    const { cache } = createRequire(import.meta.url);
    console.log(Object.keys(cache).filter((file) => file.includes("/@pulumi/")).length);
  `;
  const { stdout } = await execa("node", ["--input-type=module", "--eval", look], { cwd: ROOT });
  expect(stdout).toBe("0");
});
