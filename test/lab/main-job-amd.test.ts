import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootId } from "../../lab/boot.ts";
import { fleet, sharingDomains } from "../support/domain-checks.ts";
import { installGuests } from "../support/guests.ts";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { expectDomain, expectPassthrough } from "../support/passthrough-checks.ts";

describe("AMD", () => {
  let stack: LabStack;
  beforeAll(async () => {
    stack = await startLabStack("lab-fx8350", "lab-fx8350", "test-fx8350");
  });
  afterAll(() => stack?.remove());

  test("an up that is killed in the middle is finished by the next one", async () => {
    const interrupted = stack.startUp();
    await interrupted.said(/boot creating .*building the trial initramfs/);
    process.kill(-interrupted.pid, "SIGKILL");
    await interrupted.done;
    expect((await stack.up()).output).toContain("pulumi cancel");
    expect((await stack.cancel()).code).toBe(0);
    const boot = await bootId(stack.host);
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await bootId(stack.host)).not.toBe(boot);
    await expectPassthrough(stack, { unit: /^ivhd\d/, argument: undefined });
    expect(await stack.read("cat /proc/cmdline")).not.toMatch(/amd_iommu|intel_iommu/);
  });

  test("the domain runs with both functions under OVMF", () => expectDomain(stack));

  test("the preview after it is clean", async () => {
    const { code, output } = await stack.preview("--expect-no-changes");
    expect(code, output).toBe(0);
  });

  test("two other domains take the place of the one that had the card, whose NVRAM and disk stay", async () => {
    await installGuests(stack.host);
    stack.describe((host) => ({ ...host, storage: {}, domains: sharingDomains("stand-in") }));
    expect((await stack.preview()).output).toMatch(/card stand-in, which the running domain win10 has/);
    const release = ["gpu", "release", "stand-in", "--stack", stack.host, "--timeout", "1", "--force"];
    const released = await fleet(...release);
    expect([released.exitCode, released.stderr]).toEqual([0, ""]);
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await stack.read("virsh -q list --all --name | sort | xargs")).toBe("alpha beta");
    expect(await stack.read("ls /var/lib/libvirt/qemu/nvram /var/lib/libvirt/images")).toMatch(
      /win10\.qcow2[^]*win10_VARS\.fd/,
    );
  });
});
