import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import {
  bindingOf,
  expectDestroyed,
  expectUp,
  filesBefore,
  hostOf,
  stackFileOf,
  type Job,
} from "../support/whole-job.ts";

/** What the main job's hosts do not cover of the matrix: systemd-boot and dracut, and binding by id. One host for both. */
const BY_ADDRESS: Job = { vendor: "amd", image: "debian-13", binding: "address" };
const BY_ID: Job = { ...BY_ADDRESS, binding: "id" };

describe("Debian 13 with systemd-boot and dracut", () => {
  let stack: LabStack;
  let before: string;
  beforeAll(async () => {
    stack = await startLabStack(hostOf(BY_ADDRESS), stackFileOf(BY_ADDRESS), "test-trixie");
    before = await filesBefore(stack);
  });
  afterAll(() => stack?.remove());

  test("by address: trial, proof, default entry, clean preview", () => expectUp(stack, BY_ADDRESS));

  test("another binding while a domain runs is refused: its guest would lose power", async () => {
    stack.describe(bindingOf(BY_ID));
    const { code, output } = await stack.preview();
    expect(output).toContain("the host has to reboot and win10 would lose power");
    expect(code).not.toBe(0);
    await stack.read("virsh -q destroy win10");
  });

  test("by id: the twin that the stack gives away too, and softdeps in this boot alone", async () => {
    await expectUp(stack, BY_ID);
    expect(await stack.read("cat /run/modprobe.d/vfio-fleet.conf")).toContain(
      "softdep snd_hda_intel pre: vfio-pci",
    );
    expect(await stack.read("cat /etc/modprobe.d/*.conf /usr/lib/modprobe.d/*.conf")).not.toMatch(
      /softdep .*vfio/,
    );
  });

  test("destroy puts every file back, the EFI system partition's as well", () =>
    expectDestroyed(stack, before));
});
