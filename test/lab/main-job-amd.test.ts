import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepareRange, type Range } from "../faults/campaign.ts";
import { listed, type Strike } from "../faults/plan.ts";
import { fleet, sharingDomains } from "../support/domain-checks.ts";
import { installGuests } from "../support/guests.ts";
import type { LabStack } from "../support/lab-stack.ts";
import { expectDomain } from "../support/passthrough-checks.ts";
import { expectBound } from "../support/whole-job.ts";

/** A short cut of `npm run test:faults`: one way through an up, struck at steps that last long enough to be met each time. */
const STRIKES: readonly Strike[] = [
  { direction: "up", step: "libvirtd", fault: "connection reset" },
  { direction: "up", step: "file", fault: "engine killed" },
  { direction: "up", step: "boot", fault: "power cut" },
  { direction: "up", step: "prove", fault: "clock set back" },
  { direction: "up", step: "domain", fault: "libvirtd stopped" },
  { direction: "up", step: "run", fault: "plugin killed" },
];

describe("AMD", () => {
  let range: Range;
  let stack: LabStack;
  beforeAll(async () => {
    range = await prepareRange("lab-fx8350", "lab-fx8350");
    await range.fresh();
    stack = range.stack;
  });
  afterAll(() => range?.remove());

  test("an up that is struck at six steps comes through to a clean preview, and nothing is lost", async () => {
    const outcomes = await range.course("up", listed(STRIKES));
    expect(outcomes.map(({ fault, step, wrong }) => [fault, step, wrong])).toEqual(
      expect.arrayContaining(STRIKES.map(({ fault, step }) => [fault, expect.stringContaining(step), []])),
    );
    expect(outcomes).toHaveLength(STRIKES.length);
  });

  test("command line, groups, drivers, initramfs, boot menu", async () => {
    await expectBound(stack, { vendor: "amd", image: "debian-12", binding: "address" });
    expect(await stack.read("cat /proc/cmdline")).not.toMatch(/amd_iommu|intel_iommu/);
  });

  test("the domain runs with both functions under OVMF", () => expectDomain(stack));

  test("two other domains take the place of the one that had the card, whose NVRAM and disk stay", async () => {
    await installGuests(stack.host);
    stack.describe((host) => ({ ...host, storage: {}, domains: sharingDomains("stand-in") }));
    expect((await stack.preview()).output).toMatch(/card stand-in, which the running domain win10 has/);
    const release = ["gpu", "release", "stand-in", "--stack", stack.host, "--timeout", "1", "--force"];
    const released = await fleet(...release);
    expect([released.exitCode, released.stderr]).toEqual([0, ""]);
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    // the guest beside them is none of the stack's
    expect(await stack.read("virsh -q list --all --name | sort | xargs")).toBe("alpha beta bystander");
    expect(await stack.read("ls /var/lib/libvirt/qemu/nvram /var/lib/libvirt/images")).toMatch(
      /win10\.qcow2[^]*win10_VARS\.fd/,
    );
  });
});
