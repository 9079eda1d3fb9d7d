import { describe, expect, test } from "vitest";
import { grub } from "../../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { dracut } from "../../../components/drivers/initramfs/dracut/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import type { Facts, HostFile } from "../../../components/facts/facts.ts";
import { probeQuestion } from "../../../components/host/host-question.ts";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { planKernel } from "../../../components/plan/kernel/kernel-plan.ts";
import { kernelSchema } from "../../../components/plan/kernel/kernel-spec.ts";
import { receiptName } from "../../../components/plan/step.ts";
import { hostWith } from "../../fixtures/cards.ts";
import { address, pciId, xeonFacts } from "../../fixtures/xeon.ts";

const file = (content: string): HostFile => ({
  mode: "644",
  owner: "root",
  group: "root",
  sha256: "",
  content,
});
const IDS = "10de:1c81,10de:0fb9";

/** Two equal cards, the second one the boot display, and the files of an earlier set-up. */
const twins = (files: Readonly<Record<string, string>> = {}, more: Partial<Facts> = {}): Facts =>
  hostWith(
    `
03:00.0 10de:1c81 0300 30 nouveau
03:00.1 10de:0fb9 0403 30 snd_hda_intel
04:00.0 10de:1c81 0300 31! nouveau
04:00.1 10de:0fb9 0403 31 snd_hda_intel
07:00.0 8086:10fb 0200 33 vfio-pci
`,
    {
      files: {
        ...xeonFacts().files,
        ...Object.fromEntries(Object.entries(files).map(([path, content]) => [path, file(content)])),
      },
      ...more,
    },
  );

interface Options {
  readonly kernel?: object;
  readonly card?: { readonly idle?: "host" };
  readonly initramfs?: typeof dracut;
}
const outcome = (facts: Facts, { kernel = {}, card = {}, initramfs = initramfsTools }: Options = {}) => {
  const cards = {
    gpu: { address: address("03:00.0"), ids: [pciId("10de:1c81"), pciId("10de:0fb9")], ...card },
  };
  const result = planKernel({ headless: false, cards, kernel: kernelSchema.parse(kernel) }, facts, {
    bootloader: grub,
    initramfs,
    distro: debian,
  });
  return result.ok
    ? { problems: [], warnings: result.value.warnings.filter((text) => text.includes("earlier set-up")) }
    : { problems: result.problems.map(({ path, problem }) => `${path}: ${problem}`), warnings: [] };
};
const TAKES_TWIN = /takes 0000:04:00\.0 \(10de:1c81, the host's boot display\), 0000:04:00\.1/;

describe("ids of an earlier set-up that take the twin, which is the boot display", () => {
  test("none: planned without a word", () => {
    expect(outcome(twins())).toEqual({ problems: [], warnings: [] });
  });

  test.each([
    ["/etc/modprobe.d/gpu-passthrough.conf", `options vfio-pci ids=${IDS}\n`],
    ["/etc/modprobe.d/a.conf", `options vfio_pci disable_vga=1 \\\n  ids=${IDS}\n`],
    ["/lib/modprobe.d/vendor.conf", `options vfio-pci ids=${IDS.toUpperCase()}\n`],
    ["/usr/lib/modprobe.d/vendor.conf", `\toptions\tvfio-pci\tids=${IDS}\n`],
    ["/run/modprobe.d/now.conf", `options vfio-pci "ids=${IDS}"\n`],
    ["/etc/modprobe.d/stub.conf", `options pci-stub ids=${IDS}\n`],
    [
      "/etc/modprobe.d/sub.conf",
      "options vfio-pci ids=10de:1c81:1043:85d8,10de:ffffffff:ffffffff:ffffffff:040300:ffffff\n",
    ],
    ["/etc/initramfs-tools/modules", `# early\nvfio\nvfio-pci ids=${IDS} # the card\n`],
  ])("%s: %s", (path, content) => {
    const { problems } = outcome(twins({ [path]: content }));
    expect(problems).toEqual([expect.stringMatching(TAKES_TWIN)]);
    expect(problems[0]).toContain(path);
  });

  test.each(["vfio-pci.ids", "vfio_pci.ids", "pci-stub.ids"])("%s= on the command line", (name) => {
    const configured = twins({
      "/etc/default/grub": `GRUB_CMDLINE_LINUX_DEFAULT="quiet ${name}=${IDS}"\n`,
    });
    expect(outcome(configured).problems).toEqual([expect.stringMatching(TAKES_TWIN)]);
    expect(outcome(configured).problems[0]).toContain("/etc/default/grub");
    const running = twins({}, { cmdline: `root=UUID=1111 ro ${name}=${IDS}` });
    expect(outcome(running).problems).toEqual([
      expect.stringMatching(/^the running kernel's .*0000:04:00\.0/),
    ]);
  });

  test("what nothing reads takes nothing", () => {
    const unread = {
      "/etc/modprobe.d/gpu.conf.bak": `options vfio-pci ids=${IDS}\n`,
      "/etc/modprobe.d/comment.conf": `# options vfio-pci ids=${IDS}\n`,
      // hidden by the file of its name in /etc
      "/lib/modprobe.d/comment.conf": `options vfio-pci ids=${IDS}\n`,
      "/lib/modprobe.d/vfio.conf": `options vfio-pci ids=${IDS}\n`,
      "/etc/modprobe.d/other.conf": `options vfio-pci ids=10de:1c81:1458:3747\n`,
    };
    expect(outcome(twins(unread)).problems).toEqual([]);
    const list = { "/etc/initramfs-tools/modules": `vfio-pci ids=${IDS}\n` };
    expect(outcome(twins(list), { initramfs: dracut }).problems).toEqual([]);
  });

  test("dracut's own command line, which a unified kernel image gets", () => {
    const files = {
      "/etc/dracut.conf.d/vfio.conf": `kernel_cmdline+=" rd.driver.pre=vfio-pci vfio-pci.ids=${IDS} "\n`,
    };
    expect(outcome(twins(files), { initramfs: dracut }).problems).toEqual([
      expect.stringMatching(TAKES_TWIN),
    ]);
    expect(outcome(twins(files)).problems).toEqual([]);
  });

  test("driverctl's overrides, and a script of the initramfs", () => {
    for (const path of ["/etc/driverctl.d/pci-0000:04:00.0", "/etc/driverctl.d/0000:04:00.0"])
      expect(outcome(twins({ [path]: "vfio-pci\n" })).problems).toEqual([
        expect.stringMatching(
          /driverctl's override vfio-pci takes 0000:04:00\.0 \(10de:1c81, the host's boot/,
        ),
      ]);
    const script =
      '#!/bin/sh\nDEVS="0000:03:00.0 0000:04:00.0"\nfor DEV in $DEVS; do\n  echo vfio-pci > /sys/bus/pci/devices/$DEV/driver_override\ndone\n';
    expect(outcome(twins({ "/etc/initramfs-tools/scripts/init-top/vfio.sh": script })).problems).toEqual([
      expect.stringMatching(/a script that sets driver_override takes 0000:04:00\.0/),
    ]);
  });

  test("a card that the stack leaves to the host until a domain starts is taken as well", () => {
    const files = { "/etc/driverctl.d/pci-0000:03:00.0": "vfio-pci\n" };
    expect(outcome(twins(files), { card: { idle: "host" } }).problems).toEqual([
      expect.stringContaining("takes 0000:03:00.0 (10de:1c81), which the stack leaves to the host"),
    ]);
    expect(outcome(twins(files)).problems).toEqual([]);
  });
});

describe("leftovers that do no harm are named", () => {
  const alone = (files: Readonly<Record<string, string>>, more: Partial<Facts> = {}): Facts => {
    const facts = twins(files, more);
    return { ...facts, pci: facts.pci.filter((device) => !device.address.startsWith("0000:04")) };
  };

  test("ids of the stack's own card, driverctl's override of it, softdeps", () => {
    const { problems, warnings } = outcome(
      alone({
        "/etc/modprobe.d/gpu.conf": `options vfio-pci ids=${IDS}\nsoftdep nouveau pre: vfio-pci\nsoftdep usb pre: ehci\n`,
        "/etc/driverctl.d/pci-0000:03:00.0": "vfio-pci\n",
      }),
    );
    expect(problems).toEqual([]);
    expect(warnings).toEqual([
      `/etc/modprobe.d/gpu.conf: options vfio-pci ids=${IDS} is left of an earlier set-up; the stack does not need it`,
      "/etc/driverctl.d/pci-0000:03:00.0: driverctl's override vfio-pci is left of an earlier set-up; the stack does not need it",
      '/etc/modprobe.d/gpu.conf: "softdep nouveau pre: vfio-pci" is left of an earlier set-up; the stack does not need it',
    ]);
  });

  test("another device that vfio-pci has already; not one that it would take only now", () => {
    const files = { "/etc/modprobe.d/nic.conf": "options vfio-pci ids=8086:10fb\n" };
    expect(outcome(alone(files)).warnings).toEqual([
      expect.stringContaining("keeps 0000:07:00.0 (8086:10fb)"),
    ]);
    const facts = alone(files);
    const free = facts.pci.map((one) => (one.id === "8086:10fb" ? { ...one, driver: "ixgbe" } : one));
    expect(outcome({ ...facts, pci: free }).problems).toEqual([
      expect.stringContaining("takes 0000:07:00.0"),
    ]);
  });

  test("what this project wrote itself is no leftover", () => {
    const path = "/etc/modprobe.d/kvm_intel.conf";
    const receipts = { [receiptName(path)]: { token: "t", notes: {} } };
    expect(outcome(alone({ [path]: `options vfio-pci ids=${IDS}\n` }, { receipts })).warnings).toEqual([]);
    const applied = {
      "/etc/modprobe.d/vfio.conf": `options vfio-pci ids=${IDS}\n`,
      "/run/modprobe.d/vfio-fleet.conf": "softdep nouveau pre: vfio-pci\n",
      "/var/lib/vfio-fleet/boot/applied": `argument vfio-pci.ids=${IDS}\n`,
    };
    const facts = twins(applied, { cmdline: `ro vfio-pci.ids=${IDS}` });
    expect(outcome(facts)).toEqual({ problems: [], warnings: [] });
  });
});

describe("settings elsewhere that keep the stack's own from counting", () => {
  test.each([
    ["install vfio-pci /usr/local/bin/vfio-pci-override.sh"],
    ["install vfio_pci /bin/false"],
    ["install vfio_iommu_type1 /bin/true"],
  ])("%s", (line) => {
    expect(outcome(twins({ "/etc/modprobe.d/x.conf": `${line}\n` })).problems).toEqual([
      expect.stringContaining(`/etc/modprobe.d/x.conf: "${line}" runs a command of its own`),
    ]);
  });

  test("an install line of another module is nobody's business", () => {
    expect(outcome(twins({ "/etc/modprobe.d/x.conf": "install nouveau /bin/false\n" })).problems).toEqual([]);
  });

  test("driverctl gives the card to another driver", () => {
    expect(outcome(twins({ "/etc/driverctl.d/pci-0000:03:00.1": "snd_hda_intel\n" })).problems).toEqual([
      expect.stringContaining("takes 0000:03:00.1 (10de:0fb9) from vfio-pci"),
    ]);
  });

  test.each(["module_blacklist=nouveau,vfio-pci", "vfio_fleet=off"])("%s on the command line", (argument) => {
    const files = { "/etc/default/grub": `GRUB_CMDLINE_LINUX="${argument}"\n` };
    expect(outcome(twins(files)).problems).toEqual([expect.stringContaining(argument)]);
  });

  test("a second list of ids beside the stack's, when it binds by id", () => {
    const files = { "/etc/modprobe.d/zz.conf": "options vfio-pci ids=8086:10fb\n" };
    const facts = twins(files);
    const single = { ...facts, pci: facts.pci.filter((device) => !device.address.startsWith("0000:04")) };
    expect(outcome(single, { kernel: { binding: "id" } }).problems).toEqual([
      expect.stringContaining("stands beside the stack's own ids"),
    ]);
  });

  test.each([
    ["/etc/default/grub", 'GRUB_CMDLINE_LINUX="kvm.ignore_msrs=0"\n'],
    ["/etc/modprobe.d/zz-local.conf", "options kvm ignore_msrs=N\n"],
    ["/etc/initramfs-tools/modules", "kvm ignore_msrs=0\n"],
    ["/lib/modprobe.d/qemu.conf", "options kvm ignore_msrs=0 halt_poll_ns=0\n"],
  ])("kvm's option in %s: %s", (path, content) => {
    expect(outcome(twins({ [path]: content })).problems).toEqual([
      expect.stringMatching(
        /^kernel\.moduleOptions\.kvm\.ignore_msrs: .* wins over the stack's ignore_msrs=1$/,
      ),
    ]);
  });

  test.each([
    ["the same value", "/etc/modprobe.d/zz-local.conf", "options kvm ignore_msrs=Y\n"],
    ["a flag without a value", "/etc/default/grub", 'GRUB_CMDLINE_LINUX="kvm.ignore_msrs"\n'],
    ["a file that is read before the stack's", "/etc/modprobe.d/alsa.conf", "options kvm ignore_msrs=0\n"],
    ["another option", "/etc/modprobe.d/zz-local.conf", "options kvm halt_poll_ns=0\n"],
  ])("not %s", (_, path, content) => {
    expect(outcome(twins({ [path]: content })).problems).toEqual([]);
  });

  test("vfio-pci's own option", () => {
    const files = { "/etc/modprobe.d/zz.conf": "options vfio-pci disable_vga=0\n" };
    expect(outcome(twins(files)).problems).toEqual([expect.stringMatching(/^kernel\.disableVga: /)]);
    expect(outcome(twins(files), { kernel: { disableVga: false } }).problems).toEqual([]);
  });
});

describe("a function that a compiled-in driver has", () => {
  const rtx = hostWith(`
26:00.0 10de:1e84 0300 40 nouveau
26:00.1 10de:10f8 0403 40 snd_hda_intel
26:00.2 10de:1ad8 0c0330 40 xhci_hcd
26:00.3 10de:1ad9 0c8000 40 -
`);
  const cards = {
    gpu: {
      address: address("26:00.0"),
      ids: ["10de:1e84", "10de:10f8", "10de:1ad8", "10de:1ad9"].map(pciId),
    },
  };
  const plan = (facts: Facts, kernel: object) =>
    planKernel({ headless: false, cards, kernel: kernelSchema.parse(kernel) }, facts, {
      bootloader: grub,
      initramfs: initramfsTools,
      distro: debian,
    });

  test("by address the early script takes it, by id nothing can", () => {
    expect(plan(rtx, {}).ok).toBe(true);
    expect(plan(rtx, { binding: "id" })).toMatchObject({
      ok: false,
      problems: [{ path: "kernel.binding", problem: expect.stringContaining("has 0000:26:00.2 before") }],
    });
    expect(plan({ ...rtx, modules: [...rtx.modules, "xhci_pci"] }, { binding: "id" }).ok).toBe(true);
  });
});

test("the plan's question asks for every place", () => {
  const spec = hostSchema.parse({ connection: { host: "192.0.2.1", user: "root" }, cards: {} });
  expect(probeQuestion(spec).files).toEqual(
    expect.arrayContaining([
      "/etc/modprobe.d/*.conf",
      "/run/modprobe.d/*.conf",
      "/lib/modprobe.d/*.conf",
      "/etc/initramfs-tools/modules",
      "/etc/dracut.conf.d/*.conf",
      "/etc/driverctl.d/*",
    ]),
  );
});
