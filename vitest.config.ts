import { defineConfig } from "vitest/config";
import { ProgressReporter } from "./test/reporter.ts";

/**
 * Four projects: `unit` (pure), `component` (Pulumi mocks), `lab` (real hosts in QEMU, slow, one worker), and `matrix`,
 * the main job on every kind of lab host, which only `npm run test:matrix` runs.
 */
export default defineConfig({
  test: {
    reporters: [new ProgressReporter()],
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      { test: { name: "component", include: ["test/component/**/*.test.ts"], testTimeout: 30_000 } },
      {
        test: {
          name: "lab",
          include: ["test/lab/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 1_200_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: "matrix",
          include: ["test/matrix/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
