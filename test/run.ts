/**
 * `npm test`, once setup has run: the tests of `test:fast` with every shell and all random inputs, the report in a browser,
 * the Go tests of the plugins, and the lab (real hosts in QEMU) with the bed (made-up hosts), as many files at a time as there
 * are processors. Ends with what failed, and one line, `N passed, N failed`.
 * Arguments go to vitest (a file, `-t name`).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** what failed */
  readonly failures: readonly string[];
}

const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-test-"));
const chosen = process.argv.slice(2);

const run = async (
  title: string,
  command: string,
  args: readonly string[],
  counts: string,
): Promise<Counts> => {
  console.log(`\n== ${title}`);
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, TEST_COUNTS: counts } });
  // a signal has no status
  const [status] = (await once(child, "close")) as [number | null];
  let found: Counts;
  try {
    found = JSON.parse(readFileSync(counts, "utf8")) as Counts;
  } catch {
    console.log(`✗ ${title} ended without counting its tests`);
    return { passed: 0, failed: 1, failures: [`${title} ended without counting its tests`] };
  }
  // an exit status that nobody counted must not pass
  return status === 0 || found.failed > 0
    ? found
    : { ...found, failed: 1, failures: [`${title} ended with status ${status}, and every test passed`] };
};

const vitest = (title: string, projects: readonly string[]): Promise<Counts> =>
  run(
    title,
    "vitest",
    ["run", ...projects.flatMap((project) => ["--project", project]), "--passWithNoTests", ...chosen],
    join(folder, `${projects[0]}.json`),
  );

const results = [
  await vitest("unit and component tests, and the report in a browser", ["unit", "component", "browser"]),
  ...(chosen.length > 0
    ? []
    : [await run("plugins: Go tests", "toolchain/test.sh", [], join(folder, "go.json"))]),
  await vitest("real hosts in QEMU, and the real engine and sshd on made-up hosts", ["lab", "bed"]),
];
rmSync(folder, { recursive: true });
const sum = (pick: (counts: Counts) => number): number =>
  results.reduce((total, counts) => total + pick(counts), 0);
const failed = sum((counts) => counts.failed);
for (const failure of results.flatMap((counts) => counts.failures)) console.log(`✗ ${failure}`);
console.log(`\n${sum((counts) => counts.passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
