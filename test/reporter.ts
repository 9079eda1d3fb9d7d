import { writeFileSync } from "node:fs";
import { inspect } from "node:util";
import type { UserConsoleLog } from "vitest";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** A name and how its error begins: enough to find the cause where the rest of the output was cut off. */
const inShort = (name: string, error: unknown): string => {
  const text =
    error instanceof Error || (error as Error)?.message ? (error as Error).message : inspect(error);
  return [name, ...text.split("\n").slice(0, 20)].join("\n    ");
};

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/**
 * A line a test file, every failure whole, and for slow ones what is running, at least every ten seconds.
 * Writes `{passed, failed, failures}` to the file that TEST_COUNTS names; a failure has its name and how its message begins.
 */
export class ProgressReporter implements Reporter {
  /** files at work; workers tell of a test's start only when they get to it, so the file is what is always known */
  private readonly running = new Map<
    string,
    { readonly file: string; readonly since: number; last: string }
  >();
  private heartbeat: NodeJS.Timeout | undefined;
  /** what failed, told once more at the end */
  private readonly failures: string[] = [];

  onTestRunStart(): void {
    this.heartbeat = setInterval(() => {
      for (const { file, since, last } of this.running.values())
        console.log(`  … ${file}, for ${seconds(performance.now() - since)}${last}`);
    }, 9000);
  }

  onTestModuleStart(module: TestModule): void {
    this.running.set(module.id, { file: module.relativeModuleId, since: performance.now(), last: "" });
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    const took = seconds(test.diagnostic()?.duration ?? 0);
    const file = this.running.get(test.module.id);
    if (file) file.last = `, after: ${test.name}`;
    if (state === "failed") {
      this.failures.push(inShort(`${test.module.relativeModuleId} > ${test.fullName}`, errors[0]));
      console.log(`✗ ${test.module.relativeModuleId} > ${test.fullName} (${took})`);
      for (const error of errors)
        console.log(`    ${(error.stack ?? error.message).replaceAll("\n", "\n    ")}\n${error.diff ?? ""}`);
    } else if (["bed", "lab", "hosts", "matrix"].includes(test.project.name) && state === "passed")
      console.log(`✓ ${test.fullName} (${took})`);
  }

  /** What a test says while it runs, such as the stages of a booting host. */
  onUserConsoleLog({ content }: UserConsoleLog): void {
    process.stdout.write(`    ${content}`);
  }

  onTestModuleEnd(module: TestModule): void {
    const since = this.running.get(module.id)?.since ?? performance.now();
    this.running.delete(module.id);
    const tests = [...module.children.allTests()];
    const failed = tests.filter((test) => test.result().state === "failed").length;
    // what went wrong outside of a test: while loading, or before or after a group's tests
    for (const broken of [module, ...module.children.allSuites()])
      for (const error of broken.errors()) {
        const name = `${module.relativeModuleId}${"fullName" in broken ? ` > ${broken.fullName}` : ""}`;
        this.failures.push(inShort(name, error));
        console.log(`✗ ${name}: ${error.stack ?? error.message}`);
      }
    console.log(
      `${module.ok() ? "✓" : "✗"} ${module.relativeModuleId}: ${tests.length} tests` +
        `${failed > 0 ? `, ${failed} failed` : ""} (${seconds(performance.now() - since)})`,
    );
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    clearInterval(this.heartbeat);
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const passed = tests.filter((test) => test.result().state === "passed").length;
    const broken = modules.filter(
      (module) =>
        module.errors().length > 0 ||
        [...module.children.allSuites()].some((suite) => suite.errors().length > 0),
    ).length;
    for (const error of unhandled) {
      console.log("✗ outside of any test:", error);
      this.failures.push(inShort("outside of any test", error));
    }
    for (const test of tests)
      if (!["passed", "failed"].includes(test.result().state))
        this.failures.push(`${test.module.relativeModuleId} > ${test.fullName} did not run`);
    // a file that cannot be loaded, and a test that never ran, count as failed: silence is no success
    const counts = {
      passed,
      failed: tests.length - passed + broken + unhandled.length,
      failures: this.failures,
    };
    if (process.env["TEST_COUNTS"] !== undefined)
      writeFileSync(process.env["TEST_COUNTS"], JSON.stringify(counts));
  }
}
