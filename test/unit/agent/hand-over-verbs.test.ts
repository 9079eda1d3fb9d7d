import { afterEach, describe, expect, test } from "vitest";
import { grubPlain } from "../../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent, type Ran } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";
import { definition, fakeLibvirt, stateOfDomain, type FakeDomain } from "../support/fake-libvirt.ts";

const GPU = "0000:01:00.0";
const AUDIO = "0000:01:00.1";
const CARD = { functions: [GPU, AUDIO], digest: "a" };
const OTHER = { functions: ["0000:02:00.0"], digest: "b" };

let host: FakeAgent;
afterEach(() => host.remove());
const start = (shell: Shell, domains: Readonly<Record<string, FakeDomain>>): void => {
  host = new FakeAgent({ bootloader: grubPlain, initramfs: initramfsTools, distro: debian }, shell);
  fakeLibvirt(host, domains);
};
const hand = (
  mode: "free" | "take",
  to = "beta",
  input = "",
  policy = "keep",
  functions = [GPU, AUDIO],
): Ran => host.run(["hand", to, "3", policy, mode, ...functions], input);
const states = (...names: readonly string[]): (string | undefined)[] =>
  names.map((name) => stateOfDomain(host, name));

describe.each(SHELLS)("a card from one domain to another, with %s", (shell) => {
  test("switch: the holder shuts down, the other starts", () => {
    start(shell, { alpha: { ...CARD, running: true }, beta: CARD });
    const { status, output } = hand("take");
    expect({ status, output }).toEqual({ status: 0, output: "alpha: shutting down\nbeta: running\n" });
    expect(states("alpha", "beta")).toEqual(["shut off", "running"]);
  });

  test("switched already: nothing happens", () => {
    start(shell, { alpha: CARD, beta: { ...CARD, running: true } });
    expect(hand("take")).toEqual({ status: 0, output: "beta: runs with it already\n", errors: "" });
    expect(host.calls("virsh").join()).not.toMatch(/ (start|shutdown|define)/);
  });

  test.each([
    [
      "does not start",
      "fails",
      "error: no memory",
      /beta did not start: error: no memory; alpha is running again/,
    ],
    ["ends at once", "dies", "", /beta did not start: ; alpha is running again/],
  ])("the target %s: the holder runs again", (_, file, content, message) => {
    start(shell, { alpha: { ...CARD, running: true }, beta: CARD });
    host.file(`/virsh/beta/${file}`, content);
    const { status, errors } = hand("take");
    expect(errors).toMatch(message);
    expect(status).toBe(1);
    expect(states("alpha", "beta")).toEqual(["running", "shut off"]);
  });

  test("a holder that does not shut down keeps the card, and those before it run again", () => {
    start(shell, { alpha: { ...CARD, running: true }, gamma: { ...OTHER, running: true }, beta: CARD });
    host.file("/virsh/gamma/stubborn", "");
    const { status, errors } = hand("take", "beta", "", "keep", [GPU, "0000:02:00.0"]);
    expect(errors).toMatch(/gamma still runs 3 s after[^]*beta was not started: nothing has changed hands/);
    expect(status).toBe(1);
    expect(states("alpha", "beta", "gamma")).toEqual(["running", "shut off", "running"]);
    expect(host.calls("virsh").join()).not.toContain("destroy");
  });

  test("only with force is a guest powered off", () => {
    start(shell, { alpha: { ...CARD, running: true }, beta: CARD });
    host.file("/virsh/alpha/stubborn", "");
    expect(hand("take", "beta", "", "power-off").status).toBe(0);
    expect(host.calls("virsh").join("\n")).toContain("destroy alpha");
    expect(states("alpha", "beta")).toEqual(["shut off", "running"]);
  });

  test("assign: a free card is had, one in use is not taken", () => {
    start(shell, { alpha: CARD, beta: CARD });
    expect(hand("free").status).toBe(0);
    expect(states("beta")).toEqual(["running"]);
    const { status, errors } = hand("free", "alpha");
    expect(errors).toMatch(/in use by beta: switch it, or release it first/);
    expect(status).toBe(1);
    expect(states("alpha", "beta")).toEqual(["shut off", "running"]);
  });

  test("a new definition comes with it, and the old one is back when that does not start", () => {
    start(shell, { alpha: { ...CARD, running: true }, beta: OTHER });
    host.file("/virsh/beta/fails", "error: no memory");
    const wanted = definition("beta", { ...CARD, digest: "c" });
    expect(hand("take", "beta", wanted).status).toBe(1);
    expect(host.read("/virsh/beta/inactive.xml")).toBe(definition("beta", OTHER));
    host.rename("/virsh/beta/fails", "/virsh/beta/failed");
    expect(hand("take", "beta", wanted).status).toBe(0);
    expect(host.read("/virsh/beta/live.xml")).toBe(wanted);
  });

  test("a domain that runs without the card, and one that is not there, are refused", () => {
    start(shell, { alpha: { ...CARD, running: true }, beta: { ...OTHER, running: true } });
    expect(hand("take").errors).toMatch(/beta runs without 0000:01:00\.0: shut it down/);
    expect(hand("take", "delta").errors).toMatch(/no domain delta: pulumi up makes it/);
    expect(states("alpha", "beta")).toEqual(["running", "running"]);
  });

  test("release: the holder shuts down; with none it is free already", () => {
    start(shell, { alpha: { ...CARD, running: true } });
    expect(host.run(["unhand", "3", "keep", GPU, AUDIO])).toMatchObject({
      status: 0,
      output: "alpha: shut off\n",
    });
    expect(states("alpha")).toEqual(["shut off"]);
    expect(host.run(["unhand", "3", "keep", GPU, AUDIO]).output).toBe("free already\n");
  });
});
