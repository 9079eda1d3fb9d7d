import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { expectWholeJob, hostOf, stackFileOf, type Job, type JobLine } from "../support/whole-job.ts";

/** `npm run test:matrix`: the main job over vendors, images and bindings, each on a fresh host; ends with a table. */
const JOBS = (["debian-12", "debian-13"] as const).flatMap((image) =>
  (["intel", "amd"] as const).flatMap((vendor) =>
    (["address", "id"] as const).map((binding): Job => ({ vendor, image, binding })),
  ),
);

const lines: JobLine[] = [];
afterAll(() => {
  const rows = lines.map(({ vendor, image, loader, initramfs, binding, seconds }) => [
    vendor === "intel" ? "Intel" : "AMD",
    image,
    loader,
    initramfs,
    `by ${binding}`,
    String(seconds),
  ]);
  const table = [
    ["vendor", "image", "loader", "initramfs", "binding", "seconds"],
    Array(6).fill("---"),
    ...rows,
  ];
  console.log(`\n${table.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`);
});

describe.each(JOBS)("$vendor, $image, by $binding", (job) => {
  let stack: LabStack;
  beforeAll(async () => {
    stack = await startLabStack(
      hostOf(job),
      stackFileOf(job),
      `test-${job.image}-${job.vendor}-${job.binding}`,
    );
  });
  afterAll(() => stack?.remove());

  test("preview, up, proof, clean preview, destroy", async () => {
    const line = await expectWholeJob(stack, job);
    lines.push(line);
    expect(line.initramfs).toBe(job.image === "debian-12" ? "initramfs-tools" : "dracut");
    expect(line.loader).toMatch(job.image === "debian-12" ? /^GRUB 2/ : /^systemd-boot 257/);
  });
});
