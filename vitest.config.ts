import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cacheDir } from "./lab/paths.ts";
import { ProgressReporter } from "./test/reporter.ts";
import { scratch } from "./test/support/scratch.ts";
import { TriedReporter } from "./test/tried-reporter.ts";

const TMPDIR = scratch();

/**
 * What goes through a whole up for each pairing of drivers, for each write of one or for a limited login, what waits for a
 * real sshd most of its time, and what starts every command behind its setup: 8 to 30 s each, so not for `test:fast`.
 */
const THOROUGH = [
  "test/unit/drivers/drivers.test.ts",
  "test/unit/agent/power-cuts.test.ts",
  "test/component/least-privilege.test.ts",
  "test/component/vbios-dump.test.ts",
  "test/component/answers.test.ts",
];

/** Files on real hosts that take longest, longest first: one that began last would run alone in the end. */
const LONGEST = ["four", "main-job-amd", "vbios", "main-job"].map((name) => `/test/lab/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return found === -1 ? LONGEST.length : found;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

/**
 * `unit` (pure), `component` (Pulumi mocks), `browser` (the report in Chromium), `bed` (the real engine and sshd on made-up
 * hosts), `lab` (real hosts in QEMU, slow, two at a time on two cores), and what `npm test` leaves to `npm run test:hosts`
 * (systemd-boot and dracut, four cards on AMD, a limited login) and `npm run test:matrix` (the main job on every kind of host).
 */
export default defineConfig(({ mode }) => ({
  test: {
    reporters: [new ProgressReporter(), new TriedReporter()],
    sequence: { sequencer: LongestFirst },
    // one more than there are cores, as many of these tests wait for programs that they start
    maxWorkers: availableParallelism() + 1,
    experimental: { fsModuleCache: true },
    env: {
      // programs of ours that tests start are compiled once
      NODE_COMPILE_CACHE: join(cacheDir(), "node-compile-cache"),
      VFIO_FLEET_TESTS: mode === "fast" ? "fast" : "all",
    },
    projects: [
      // a worker loads once what its files share; those with Pulumi's mocks set their own
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          exclude: mode === "fast" ? THOROUGH : [],
          isolate: false,
          testTimeout: 30_000,
          env: { TMPDIR },
        },
      },
      {
        test: {
          name: "component",
          include: ["test/component/**/*.test.ts"],
          exclude: mode === "fast" ? THOROUGH : [],
          isolate: false,
          testTimeout: 30_000,
          env: { TMPDIR },
        },
      },
      { test: { name: "browser", include: ["test/browser/**/*.test.ts"], testTimeout: 30_000 } },
      ...["bed", "lab", "hosts", "matrix"].map((name) => ({
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          // an emulated host keeps one processor busy
          maxWorkers: availableParallelism(),
          maxConcurrency: availableParallelism(),
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      })),
    ],
  },
}));
