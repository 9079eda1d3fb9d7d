import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkSharingDomains } from "../support/domain-checks.ts";
import { fourCards } from "../support/four-cards.ts";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";

describe("four cards and their domains, AMD", () => {
  let stack: LabStack;
  beforeAll(async () => {
    stack = await startLabStack("lab-four-amd", "lab-fx8350", "test-domains-amd");
  });
  afterAll(() => stack?.remove());

  const { change } = fourCards(() => stack);
  checkSharingDomains(() => stack, "one", change);

  test("libvirt is not restarted for what it does not read at its start", async () => {
    const daemon = (): Promise<string> => stack.read("systemctl show -p MainPID --value libvirtd");
    await stack.read("virsh -q list");
    const served = await daemon();
    change({ beta: { memory: "224 MiB" } });
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await daemon()).toBe(served);
  });
});
