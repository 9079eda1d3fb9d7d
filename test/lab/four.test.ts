import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootId, waitForReboot } from "../../lab/machine/boot.ts";
import { findHost, powerCut, startHost } from "../../lab/host.ts";
import { checkFourDomains, takeAwayByHand } from "../support/four-domains.ts";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { driverOf, filesBefore, hostFiles } from "../support/whole-job.ts";

/**
 * One host with four identical cards, one of which it keeps, from refusals over steps that fail and a trial that never
 * comes up, over domains that share the cards, to a card that is taken out of the stack again.
 */
const at = (bus: number): string => `0000:0${bus}:00.0`;
const IDS = ["1234:1111", "8086:293e"];
const CARDS = {
  one: { address: at(1), ids: IDS },
  two: { address: at(2), ids: IDS },
  three: { address: at(3), ids: IDS },
};
const GUEST =
  "<domain type='qemu'><name>guest</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='pc'>hvm</type></os></domain>";

let stack: LabStack;
let before: string;
let boots: string;
/** What the boot loader reads, and the images it loads. */
const bootFiles = (): Promise<string> =>
  stack.read(
    "find /boot -xdev -type f ! -name '*vfio-fleet*' ! -name custom.cfg ! -name grubenv -exec sha256sum {} + | sort -k2",
  );
const state = (): Promise<string> =>
  stack.read("ls -d /usr/local/lib/vfio-fleet /var/lib/vfio-fleet 2>/dev/null || true");
const want = (kernel: object = {}, cards: object = CARDS): void =>
  stack.describe(({ connection }) => ({ connection, cards, kernel }));
const drivers = (): Promise<string[]> => Promise.all([1, 2, 3, 4].map((bus) => driverOf(stack, at(bus))));
const serial = (): string => readFileSync(join(findHost(stack.host).folder, "serial.log"), "utf8");

beforeAll(async () => {
  stack = await startLabStack("lab-four", "lab-xeon", "test-four");
  await stack.read(`echo "${GUEST}" >/root/guest.xml`);
  before = await filesBefore(stack);
  boots = await bootFiles();
});
afterAll(() => stack?.remove());

describe("refused in preview, and nothing changed", () => {
  test.each([
    [
      "ids that match a card to be kept",
      { binding: "id" },
      CARDS,
      /binding by id takes 0000:04:00\.0 \(1234:1111\) too/,
    ],
    [
      "the network card of the connection",
      {},
      { net: { address: "0000:00:03.0", ids: ["1af4:1041"] } },
      /carries the network card of the SSH connection \(\w+\): the host would lose it/,
    ],
    [
      "the ACS override without the patch",
      { pcieAcsOverride: ["downstream"] },
      CARDS,
      /has not the ACS override patch/,
    ],
    [
      "more huge pages than memory",
      { hugepages: { size: "2M", count: 4000 } },
      CARDS,
      /8000 MiB, the host has \d+ MiB/,
    ],
    ["processors that are not there", { isolcpus: "1-7" }, CARDS, /the host has processors 0-1, not 2, 3/],
    [
      "a module option that modinfo does not know",
      { moduleOptions: { kvm: { ignore_msr: 1 } } },
      CARDS,
      /the module kvm has no parameter ignore_msr[^]*ignore_msrs/,
    ],
    [
      "two arguments against each other",
      { arguments: ["intel_iommu=off"] },
      CARDS,
      /asks for intel_iommu=(on|off) and for/,
    ],
  ])("%s", async (_, kernel, cards, message) => {
    want(kernel, cards);
    const { code, output } = await stack.preview();
    expect(output).toMatch(message);
    expect(output).not.toMatch(/at .*\.ts:\d+/);
    expect(code).not.toBe(0);
    expect(await state()).toBe("");
  });

  test("an argument of the host's own against ours, and a guest that a reboot would cut off", async () => {
    await stack.read(
      `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX intel_iommu=off"' >/etc/default/grub.d/50-off.cfg`,
    );
    await stack.read("virsh -q create --paused /root/guest.xml");
    want();
    const { code, output } = await stack.preview();
    expect(output).toContain("the host's own configuration says intel_iommu=off, wanted is intel_iommu=on");
    expect(output).toContain("the host has to reboot and guest would lose power");
    expect(code).not.toBe(0);
    expect(await state()).toBe("");
    await stack.read("rm /etc/default/grub.d/50-off.cfg; virsh -q destroy guest");
    expect(await hostFiles(stack)).toBe(before);
  });
});

describe("a step that fails shows why, and the old boot files stay", () => {
  const expectFailure = async (message: RegExp): Promise<void> => {
    want();
    const boot = await bootId(stack.host);
    const { code, output } = await stack.up();
    expect(output).toMatch(message);
    expect(code).not.toBe(0);
    expect(await bootFiles()).toBe(boots);
    expect(await stack.read("grub-editenv list")).not.toContain("next_entry");
    expect(await bootId(stack.host)).toBe(boot);
  };

  test("a read-only /etc", async () => {
    await stack.read("mount --bind /etc /etc && mount -o remount,bind,ro /etc");
    await expectFailure(/\/etc\/.*Read-only file system/);
    await stack.read("umount -l /etc");
    expect(await hostFiles(stack)).toBe(before);
  });

  test("a read-only /boot", async () => {
    await stack.read("mount --bind /boot /boot && mount -o remount,bind,ro /boot");
    await expectFailure(/Read-only file system[^]*\/boot cannot be written to; no boot file was touched/);
    await stack.read("umount -l /boot");
  });

  test("an initramfs that cannot be built", async () => {
    const hook = "/etc/initramfs-tools/hooks/broken";
    await stack.read(
      `printf '#!/bin/sh\\necho the firmware of this card is missing >&2\\nexit 1\\n' >${hook}; chmod 755 ${hook}`,
    );
    await expectFailure(/the firmware of this card is missing[^]*mkinitramfs failed/);
    await stack.read(`rm ${hook}`);
  });

  test("a full disk: seen in the preview, and when it only turns out in the middle", async () => {
    // all of it, the blocks that the file system keeps to itself aside, and some given back
    await stack.read(
      "fallocate -l $(($(stat -f -c '%f*%S' /) - 128 * 1048576)) /var/full;" +
        " cat /dev/zero >/var/full.rest 2>/dev/null; sync; truncate -s -4M /var/full.rest; sync",
    );
    try {
      want();
      expect((await stack.preview()).output).toMatch(
        /\/boot: \d MiB are free, and the trial's initramfs needs about \d+ MiB beside \/boot\/initrd\.img-/,
      );
      // room for the image, and none for the files that it is made of
      await stack.read("truncate -s -8M /var/full.rest; sync");
      await expectFailure(/No space left on device/);
    } finally {
      await stack.read("rm -f /var/full /var/full.rest");
    }
  });
});

describe("a trial that never comes up", () => {
  // a shell instead of the system, that waits for somebody at the screen: unlike a panic, nothing that ends by itself
  const hanging = { reboot: "ask", arguments: ["init=/bin/bash"] };
  const prompts = (): number => serial().split("root@(none)").length;

  test("reboot: ask prepares everything and stops before the reboot", async () => {
    want(hanging);
    const boot = await bootId(stack.host);
    const { code, output } = await stack.up();
    expect(output).toContain("the stack says to ask first (kernel.reboot: ask)");
    expect(code).not.toBe(0);
    expect(await stack.read("grub-editenv list")).toContain("next_entry=vfio-fleet-trial");
    expect(await bootFiles()).toBe(boots);
    expect(await bootId(stack.host)).toBe(boot);
  });

  test("a power cut finds the old configuration running, and up says what happened", async () => {
    const boot = await bootId(stack.host);
    const earlier = prompts();
    process.env["VFIO_FLEET_REBOOT"] = "yes";
    const up = stack.startUp();
    delete process.env["VFIO_FLEET_REBOOT"];
    await expect.poll(prompts, { timeout: 600_000, interval: 500 }).toBeGreaterThan(earlier);
    await powerCut(stack.host);
    await startHost("lab-four", { as: stack.host, lifetime: "process" });
    const { code, output } = await up.done;
    expect(output).toContain("the trial boot did not come up: the host is back on its old configuration");
    expect(code).not.toBe(0);
    expect(await bootId(stack.host)).not.toBe(boot);
    expect(await stack.read("cat /proc/cmdline")).not.toMatch(/init=|vfio|iommu/);
    expect(new Set(await drivers())).toEqual(new Set(["bochs-drm"]));
    expect(await bootFiles()).toBe(boots);
    expect(await stack.read("ls /boot/grub; grub-editenv list")).not.toMatch(/custom\.cfg|next_entry=./);
  });
});

describe("three of four identical cards", () => {
  test("reboot: never leaves the reboot to the person, whose boot is the trial", async () => {
    want({ reboot: "never" });
    const boot = await bootId(stack.host);
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(output).toContain("pending: reboot the host, then run this again");
    expect(await bootId(stack.host)).toBe(boot);
    await stack.read("systemctl reboot --no-block");
    await waitForReboot(stack.host, boot);
    expect(await stack.read("cat /proc/cmdline")).toContain("vfio_fleet.trial=");
    expect(await bootFiles()).toBe(boots);
  });

  test("update-grub that fails: its output, the old menu; up again finishes", async () => {
    const script = "/etc/grub.d/09_broken";
    await stack.read(
      `printf '#!/bin/sh\\necho a theme is missing >&2\\nexit 1\\n' >${script}; chmod 755 ${script}`,
    );
    const menu = await stack.read("sha256sum /boot/grub/grub.cfg");
    const failed = await stack.up();
    expect(failed.output).toMatch(/a theme is missing[^]*update-grub failed; the boot menu is as it was/);
    expect(failed.code).not.toBe(0);
    expect(await stack.read("sha256sum /boot/grub/grub.cfg")).toBe(menu);
    await stack.read(`rm ${script}`);
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await drivers()).toEqual(["vfio-pci", "vfio-pci", "vfio-pci", "bochs-drm"]);
    expect(await driverOf(stack, "0000:04:00.1")).toBe("snd_hda_intel");
    expect((await stack.preview("--expect-no-changes")).code).toBe(0);
  });
});

describe("domains that have and share them", () => {
  checkFourDomains(() => stack);

  test("they leave the stack, and the cards stay bound, without a reboot", async () => {
    await takeAwayByHand(stack);
    const boot = await bootId(stack.host);
    want();
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await stack.read("virsh -q list --all")).toBe("");
    expect(await drivers()).toEqual(["vfio-pci", "vfio-pci", "vfio-pci", "bochs-drm"]);
    expect(await bootId(stack.host)).toBe(boot);
  });
});

describe("back to the host", () => {
  test("a card taken out of the stack goes back to the host; a guest that does not shut down stops the reboot", async () => {
    const { one, two } = CARDS;
    await stack.read("virsh -q define /root/guest.xml; virsh -q start --paused guest");
    want({ drain: true, drainTimeoutSeconds: 5 }, { one, two });
    const boot = await bootId(stack.host);
    const stopped = await stack.up();
    expect(stopped.output).toContain("still running 5 s after they were asked to shut down: guest");
    expect(stopped.code).not.toBe(0);
    expect(await bootId(stack.host)).toBe(boot);

    want({ drain: true, drainTimeoutSeconds: 300 }, { one, two });
    const up = stack.startUp();
    await up.said(/asking guest to shut down/);
    // a guest with a system would do so by itself
    await stack.read("virsh -q destroy guest");
    const { code, output } = await up.done;
    expect(code, output).toBe(0);
    expect(await bootId(stack.host)).not.toBe(boot);
    expect(await drivers()).toEqual(["vfio-pci", "vfio-pci", "bochs-drm", "bochs-drm"]);
    expect(await stack.read("virsh -q domstate guest")).toBe("running");
    await stack.read("virsh -q destroy guest; virsh -q undefine guest");
    expect((await stack.preview("--expect-no-changes")).code).toBe(0);
  });

  test("the boot entry without passthrough gives every card to the host, once", async () => {
    const boot = await bootId(stack.host);
    await stack.read("grub-reboot vfio-fleet-recovery && systemctl reboot --no-block");
    await waitForReboot(stack.host, boot);
    expect(await stack.read("cat /proc/cmdline")).toMatch(/vfio_fleet=off/);
    expect(await stack.read("cat /proc/cmdline")).not.toContain("iommu=pt");
    expect(new Set(await drivers())).toEqual(new Set(["bochs-drm"]));
    const { output } = await stack.preview();
    expect(output).toMatch(/kernel command line: lacks \w*iommu=/);
  });

  // from the recovery entry, as somebody would who has just got a screen back
  test("destroy: every file as before the first up, and all four cards are the host's", async () => {
    const boot = await bootId(stack.host);
    const { code, output } = await stack.destroy();
    expect(code, output).toBe(0);
    await waitForReboot(stack.host, boot);
    expect(await hostFiles(stack)).toBe(before);
    expect(new Set(await drivers())).toEqual(new Set(["bochs-drm"]));
    expect(await state()).toBe("");
  });
});
