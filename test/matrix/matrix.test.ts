import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { cacheDir } from "../../lab/paths.ts";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { expectWholeJob, hostOf, stackFileOf, type Job, type JobLine } from "../support/whole-job.ts";

/**
 * `npm run test:matrix`: the main job over vendors, images and bindings, each on a fresh host, as many
 * at a time as there are processors. A job that fails is told and the others go on; the table is written after every one, so that a run that is cut off leaves what it had.
 */
const JOBS = (["debian-12", "debian-13"] as const).flatMap((image) =>
  (["intel", "amd"] as const).flatMap((vendor) =>
    (["address", "id"] as const).map((binding): Job => ({ vendor, image, binding })),
  ),
);
const TABLE = join(cacheDir(), "matrix.md");

const ended: { readonly job: Job; readonly line: JobLine | undefined }[] = [];
const cellsOf = ({ vendor, image, binding }: Job, line: JobLine | undefined): string[] => [
  vendor === "intel" ? "Intel" : "AMD",
  image,
  line?.loader ?? "",
  line?.initramfs ?? "",
  `by ${binding}`,
  line ? String(line.seconds) : "failed",
];
/** As the README has it. */
const table = (): string =>
  [
    ["vendor", "image", "loader", "initramfs", "binding", "seconds"],
    Array<string>(6).fill("---"),
    ...ended
      .toSorted((a, b) => JOBS.indexOf(a.job) - JOBS.indexOf(b.job))
      .map(({ job, line }) => cellsOf(job, line)),
  ]
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("");

afterAll(() => console.log(`\n${table()}\n(also in ${TABLE})`));

test.concurrent.each(JOBS.map((job) => [job.vendor, job.image, job.binding, job] as const))(
  "%s, %s, by %s: preview, up, proof, clean preview, destroy",
  async (vendor, image, binding, job) => {
    let stack: LabStack | undefined;
    let line: JobLine | undefined;
    try {
      stack = await startLabStack(hostOf(job), stackFileOf(job), `test-${image}-${vendor}-${binding}`);
      const found = await expectWholeJob(stack, job);
      expect(found.initramfs).toBe(image === "debian-12" ? "initramfs-tools" : "dracut");
      expect(found.loader).toMatch(image === "debian-12" ? /^GRUB 2/ : /^systemd-boot 257/);
      line = found;
    } finally {
      ended.push({ job, line });
      writeFileSync(TABLE, table());
      await stack?.remove();
    }
  },
);
