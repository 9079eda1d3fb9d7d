import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareRange, type Range } from "../faults/campaign.ts";
import { listed, type Strike } from "../faults/plan.ts";

/** A short cut of `npm run test:faults`: one way through an up, struck where a host has most to lose. */
const STRIKES: readonly Strike[] = [
  { direction: "up", step: "file /etc/modprobe.d/", fault: "engine killed" },
  { direction: "up", step: "block /etc/libvirt/qemu.conf", fault: "connection reset" },
  { direction: "up", step: "libvirtd", fault: "clock set back" },
  { direction: "up", step: "boot", fault: "power cut" },
  { direction: "up", step: "domain", fault: "plugin killed" },
];

let range: Range;
beforeAll(async () => {
  range = await prepareRange("lab-xeon", "lab-xeon");
  await range.fresh();
});
afterAll(() => range?.remove());

test("an up that is struck five times comes through, and nothing is lost", async () => {
  const outcomes = await range.course("up", listed(STRIKES));
  expect(outcomes.map(({ fault, step, wrong }) => [fault, step, wrong])).toEqual(
    expect.arrayContaining(STRIKES.map(({ fault, step }) => [fault, expect.stringContaining(step), []])),
  );
  expect(outcomes).toHaveLength(STRIKES.length);
});
