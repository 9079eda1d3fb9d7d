import { afterEach, describe, expect, test } from "vitest";
import { grubPlain } from "../../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { cardHook } from "../../../components/host/card-hook.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent, type Ran } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";
import { definition } from "../support/fake-libvirt.ts";

const GPU = "0000:01:00.0";
const AUDIO = "0000:01:00.1";
const XML = (name: string): string => definition(name, { functions: [GPU, AUDIO], digest: "a" });
const CARDS = "/run/vfio-fleet/cards";

let host: FakeAgent;
afterEach(() => host.remove());
const start = (shell: Shell): void => {
  host = new FakeAgent({ bootloader: grubPlain, initramfs: initramfsTools, distro: debian }, shell);
  // the daemon that runs the hook: this very process
  host.file(`/proc/${process.pid}/stat`, `${process.pid} (libvirtd (x)) S 1 ${"0 ".repeat(17)}777 0`);
};
const hook = (name: string, operation = "prepare", part = "begin", xml = XML(name)): Ran =>
  host.program(cardHook(), [name, operation, part, "-"], xml);
const claims = (): string[] => host.list(CARDS).filter((name) => !name.startsWith("."));

describe.each(SHELLS)("libvirt's hook, with %s", (shell) => {
  test("a start claims every function of the card, the end gives them back", () => {
    start(shell);
    expect(hook("alpha")).toEqual({ status: 0, output: "", errors: "" });
    expect(claims()).toEqual([GPU, AUDIO]);
    expect(hook("alpha", "release", "end").status).toBe(0);
    expect(claims()).toEqual([]);
  });

  test("a second domain is refused by the name of the first, and by the card's", () => {
    start(shell);
    host.file("/run/libvirt/qemu/alpha.xml", XML("alpha"));
    const { status, errors } = hook("beta");
    expect(errors).toMatch(
      /^vfio-fleet: beta cannot start: card inno3d \(0000:01:00\.0\) is in use by alpha\. Shut alpha down first, or move the card with: vfio-fleet gpu switch\n$/,
    );
    expect(status).toBe(1);
    expect(claims()).toEqual([]);
  });

  test("two that start at once: the first has it, although libvirt does not say so yet", () => {
    start(shell);
    hook("alpha");
    expect(hook("beta").errors).toMatch(/in use by alpha/);
    // the one that was refused gives nothing back that is not its own
    hook("beta", "release", "end");
    expect(claims()).toEqual([GPU, AUDIO]);
    expect(hook("alpha").status).toBe(0);
  });

  test("a claim whose daemon has died, or whose domain runs without the card, counts no more", () => {
    start(shell);
    hook("alpha");
    host.file(`/proc/${process.pid}/stat`, `${process.pid} (other) S 1 ${"0 ".repeat(17)}778 0`);
    expect(hook("beta").status).toBe(0);
    hook("beta", "release", "end");
    host.file(`/proc/${process.pid}/stat`, `${process.pid} (libvirtd) S 1 ${"0 ".repeat(17)}777 0`);
    hook("alpha");
    host.file("/run/libvirt/qemu/alpha.xml", definition("alpha"));
    expect(hook("beta").status).toBe(0);
  });

  test.each([
    ["a place in the guest", definition("beta", { functions: ["0000:07:00.0"] })],
    ["a domain without cards", definition("beta")],
  ])("%s is no card", (_, xml) => {
    start(shell);
    host.file("/run/libvirt/qemu/alpha.xml", XML("alpha"));
    expect(hook("beta", "prepare", "begin", xml).status).toBe(0);
  });

  test.each(["started", "stopped", "reconnect"])("%s is none of its business", (operation) => {
    start(shell);
    host.file("/run/libvirt/qemu/alpha.xml", XML("alpha"));
    expect(hook("beta", operation, "begin")).toEqual({ status: 0, output: "", errors: "" });
    expect(claims()).toEqual([]);
  });

  describe("a card that the host has while no domain does", () => {
    const driven = (driver: string): void => {
      host.folder(`/sys/bus/pci/drivers/${driver}`);
      host.link(`/sys/bus/pci/devices/${GPU}/driver`, `/sys/bus/pci/drivers/${driver}`);
    };

    test("open in a process of the host, it is not taken from its driver", () => {
      start(shell);
      driven("nouveau");
      host.folder(`/sys/bus/pci/devices/${GPU}/drm/card1`);
      host.descriptor("/proc/4242/fd/9", "/dev/dri/card1");
      host.file("/proc/4242/comm", "Xorg");
      const { status, errors } = hook("alpha");
      expect(errors).toMatch(
        /the host uses card inno3d \(0000:01:00\.0\): Xorg \(process 4242\) has \/dev\/dri\/card1 open/,
      );
      expect(status).toBe(1);
    });

    test("by NVIDIA's driver as well", () => {
      start(shell);
      driven("nvidia");
      host.file(`/proc/driver/nvidia/gpus/${GPU}/information`, "Model: GTX\nDevice Minor: \t 3");
      host.descriptor("/proc/4242/fd/9", "/dev/nvidia3");
      host.file("/proc/4242/comm", "nvidia-persiste");
      expect(hook("alpha").errors).toMatch(/nvidia-persiste \(process 4242\) has \/dev\/nvidia3 open/);
    });

    test("open in nobody's hands, or another card that is, it starts", () => {
      start(shell);
      driven("nouveau");
      host.folder(`/sys/bus/pci/devices/${GPU}/drm/card1`);
      host.descriptor("/proc/4242/fd/9", "/dev/dri/card0");
      host.file("/proc/4242/comm", "Xorg");
      expect(hook("alpha")).toEqual({ status: 0, output: "", errors: "" });
    });
  });
});
