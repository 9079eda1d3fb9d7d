import { describe, expect, test } from "vitest";
import { checkSharingDomains } from "../support/domain-checks.ts";
import { fourCards } from "../support/four-cards.ts";

describe("four cards and their domains, AMD", () => {
  const { stack: given, change } = fourCards("amd");
  checkSharingDomains(given, "one", change);

  test("libvirt is not restarted for what it does not read at its start", async () => {
    const stack = given();
    const daemon = (): Promise<string> => stack.read("systemctl show -p MainPID --value libvirtd");
    await stack.read("virsh -q list");
    const served = await daemon();
    change({ beta: { memory: "224 MiB" } });
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await daemon()).toBe(served);
  });
});
