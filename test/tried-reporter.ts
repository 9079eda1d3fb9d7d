import type { Reporter, TestCase, TestModule } from "vitest/node";
import { noteTried, revision } from "./tried.ts";

const hasPassed = (test: TestCase): boolean => test.result().state === "passed";

/** Writes the rows of docs/tried.md: one a file of `test:hosts` whose tests have all passed, and one a job of `test:matrix`. */
export class TriedReporter implements Reporter {
  private readonly began = new Map<string, { readonly at: number; readonly revision: string }>();

  onTestModuleStart({ id, project }: TestModule): void {
    if (["hosts", "matrix"].includes(project.name))
      this.began.set(id, { at: performance.now(), revision: revision() });
  }

  onTestCaseResult(test: TestCase): void {
    const began = this.began.get(test.module.id);
    if (test.project.name !== "matrix" || !began || !hasPassed(test)) return;
    const [job = test.name] = test.name.split(":");
    noteTried(`matrix: ${job}`, began.revision, test.diagnostic()?.duration ?? 0);
  }

  onTestModuleEnd(module: TestModule): void {
    const began = this.began.get(module.id);
    if (module.project.name !== "hosts" || !began) return;
    // a test that was left out by `-t` has not passed
    if (module.ok() && [...module.children.allTests()].every(hasPassed))
      noteTried(`\`${module.relativeModuleId}\``, began.revision, performance.now() - began.at);
  }
}
