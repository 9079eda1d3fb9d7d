import { describe, expect, test } from "vitest";
import { grub } from "../../../components/drivers/bootloader/grub/driver.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import {
  APPLIED,
  planKernel,
  type KernelPlan,
  type PassthroughSpec,
} from "../../../components/plan/kernel/kernel-plan.ts";
import { kernelSchema } from "../../../components/plan/kernel/kernel-spec.ts";
import { tokenFor } from "../../../components/plan/step.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { address, device, pciId, xeonFacts } from "../../fixtures/xeon.ts";

const drivers = { bootloader: grub, initramfs: initramfsTools, distro: debian };
const gtx1050 = { address: address("03:00.0"), ids: [pciId("10de:1c81"), pciId("10de:0fb9")] };
const spec = (kernel: object = {}, cards: PassthroughSpec["cards"] = { gtx1050 }): PassthroughSpec => ({
  headless: false,
  cards,
  kernel: kernelSchema.parse(kernel),
});
const planned = (facts: Facts, wanted = spec(), consent = false): KernelPlan => {
  const result = planKernel(wanted, facts, drivers, consent);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
};
const refused = (facts: Facts, wanted = spec(), consent = false): string[] => {
  const result = planKernel(wanted, facts, drivers, consent);
  if (result.ok) throw new Error("was not refused");
  return result.problems.map(({ path, problem, remedy }) => `${path}: ${problem} → ${remedy}`);
};
const input = (plan: KernelPlan, key: string): string =>
  plan.steps.find((step) => step.key === key)?.input ?? "";
const args = (plan: KernelPlan): string[] =>
  input(plan, "boot")
    .split("\n")
    .flatMap((line) => /^argument (.*)/.exec(line)?.[1] ?? []);
const own = (content: string): Partial<Facts> => ({
  files: { "/etc/default/grub": { mode: "644", owner: "root", group: "root", sha256: "", content } },
});

describe("kernel arguments", () => {
  test("are written in order, without duplicates", () => {
    const plan = planned(
      xeonFacts({ symbols: ["pcie_acs_override_setup"] }),
      spec({
        hugepages: { size: "1G", count: 16 },
        isolcpus: "2-5,8",
        video: ["efifb:off", "vesafb:off"],
        pcieAcsOverride: ["downstream", "id:10de:1c81"],
        arguments: ["iommu=pt", "initcall_blacklist=sysfb_init"],
      }),
    );
    expect(args(plan)).toEqual([
      "intel_iommu=on",
      "iommu=pt",
      "pcie_acs_override=downstream,id:10de:1c81",
      "default_hugepagesz=1G",
      "hugepagesz=1G",
      "hugepages=16",
      "isolcpus=2-5,8",
      "video=efifb:off",
      "video=vesafb:off",
      "initcall_blacklist=sysfb_init",
    ]);
    expect(input(plan, "boot")).toContain("hugepages 1048576 16\n");
  });

  test("another tool's argument of the same name is a contradiction only if one value counts", () => {
    const facts = xeonFacts(own('GRUB_CMDLINE_LINUX="console=ttyS0 video=1024x768 isolcpus=1"\n'));
    expect(
      refused(facts, spec({ isolcpus: "2", video: ["efifb:off"], arguments: ["console=tty0"] })),
    ).toEqual([
      expect.stringContaining("the host's own configuration says isolcpus=1, wanted is isolcpus=2"),
    ]);
  });

  test("two contradicting arguments of one stack are refused", () => {
    expect(refused(xeonFacts(), spec({ arguments: ["iommu=off"] }))).toEqual([
      expect.stringContaining("kernel.arguments: the stack asks for iommu=pt and for iommu=off"),
    ]);
  });

  test("switches add up: only opposite ones are a contradiction", () => {
    const facts = xeonFacts(
      own('GRUB_CMDLINE_LINUX="intel_iommu=on,igfx_off intel_iommu=sm_on iommu=soft"\n'),
    );
    expect(args(planned(facts))).toEqual(["intel_iommu=on", "iommu=pt"]);
    expect(refused(xeonFacts(own('GRUB_CMDLINE_LINUX="iommu=nopt"\n')))).toEqual([
      expect.stringContaining("the host's own configuration says iommu=nopt, wanted is iommu=pt"),
    ]);
  });

  test("a disabled IOMMU contradicts everything", () => {
    const amd = (line: string): Facts =>
      xeonFacts({ cpu: { ...xeonFacts().cpu, vendor: "amd" }, ...own(`GRUB_CMDLINE_LINUX="${line}"\n`) });
    expect(refused(amd("quiet amd_iommu=off"))).toEqual([
      expect.stringMatching(
        /the host's own configuration says amd_iommu=off, which leaves the IOMMU off → take amd_iommu=off out of .*\/etc\/default\/grub/,
      ),
    ]);
    expect(refused(amd("iommu=off"), spec({ iommuPassthrough: false }))).toEqual([
      expect.stringContaining("says iommu=off, which leaves the IOMMU off"),
    ]);
    expect(refused(amd("quiet"), spec({ arguments: ["amd_iommu=off"] }))).toEqual([
      expect.stringContaining("kernel.arguments: the stack asks for amd_iommu=off"),
    ]);
    // Another vendor's argument does not concern this processor.
    expect(args(planned(amd("intel_iommu=off")))).toEqual(["iommu=pt"]);
  });

  test("duplicates in the host's own configuration are reported", () => {
    const facts = xeonFacts(
      own('GRUB_CMDLINE_LINUX="iommu=pt"\nGRUB_CMDLINE_LINUX_DEFAULT="quiet iommu=pt"\n'),
    );
    expect(planned(facts).warnings).toContainEqual(
      "iommu=pt stands more than once in /etc/default/grub and /etc/default/grub.d",
    );
  });

  test("huge pages are refused beyond the memory, in a size that the processor lacks, or beside the host's own", () => {
    expect(refused(xeonFacts(), spec({ hugepages: { size: "1G", count: 64 } }))[0]).toContain("59 at most");
    const small = xeonFacts({ cpu: { ...xeonFacts().cpu, hugePages: ["2M"] } });
    expect(refused(small, spec({ hugepages: { size: "1G", count: 1 } }))[0]).toContain("it has: 2M");
    const set = xeonFacts(own('GRUB_CMDLINE_LINUX="hugepagesz=2M hugepages=512"\n'));
    expect(refused(set, spec({ hugepages: { count: 8 } }))[0]).toContain("hugepagesz=2M hugepages=512");
  });

  test("CPU lists are refused with processors that do not exist, or with all of them", () => {
    expect(refused(xeonFacts(), spec({ isolcpus: "18-20" }))[0]).toContain("0-19, not 20");
    expect(refused(xeonFacts(), spec({ isolcpus: "0-19" }))[0]).toContain("no processor is left");
  });

  test("ACS override needs the kernel's patch, and the preview names its cost", () => {
    expect(refused(xeonFacts({ symbols: [] }), spec({ pcieAcsOverride: ["downstream"] }))[0]).toContain(
      "would ignore",
    );
    const patched = planned(
      xeonFacts({ symbols: ["pcie_acs_override_setup"] }),
      spec({ pcieAcsOverride: ["downstream"] }),
    );
    expect(patched.warnings.join()).toContain("may still reach each other's memory");
  });

  test("built-in vfio-pci gets its options on the command line, like any other module", () => {
    const facts = xeonFacts({
      vfioBuiltin: ["vfio", "vfio_iommu_type1", "vfio_pci"],
      vfioModules: {},
      moduleInfo: { kvm: { builtin: true, parameters: { ignore_msrs: "bool" } } },
    });
    const plan = planned(facts, spec({ binding: "id" }));
    expect(args(plan)).toEqual(
      expect.arrayContaining([
        "vfio-pci.ids=10de:1c81,10de:0fb9",
        "vfio-pci.disable_vga=1",
        "kvm.ignore_msrs=1",
      ]),
    );
    expect(plan.steps.map((step) => step.key)).not.toContain("/etc/modprobe.d/kvm.conf");
    expect(args(planned(facts))).not.toContain("vfio-pci.ids=10de:1c81,10de:0fb9");
  });
});

describe("module options", () => {
  const asked = xeonFacts({
    moduleInfo: {
      kvm: { builtin: false, parameters: { ignore_msrs: "bool", halt_poll_ns: "uint", x: "charp" } },
    },
  });
  test("are values that the host's kernel accepts", () => {
    const plan = planned(
      asked,
      spec({ moduleOptions: { kvm: { ignore_msrs: true, halt_poll_ns: 0, x: "any" } } }),
    );
    expect(input(plan, "/etc/modprobe.d/kvm.conf")).toContain(
      "options kvm ignore_msrs=1\noptions kvm halt_poll_ns=0\n",
    );
  });
  test.each([
    [{ kvm: { ignore_msr: 1 } }, "kvm has no parameter ignore_msr → it has: halt_poll_ns, ignore_msrs, x"],
    [{ kvm: { ignore_msrs: 2 } }, "ignore_msrs: 2 is no value for it → modinfo says: bool"],
    [{ kvm: { halt_poll_ns: -1 } }, "halt_poll_ns: -1 is no value"],
    [{ kvm: { halt_poll_ns: true } }, "halt_poll_ns: true is no value"],
    [{ kvn: { ignore_msrs: 1 } }, "has no module kvn"],
  ])("%j", (moduleOptions, message) => {
    expect(refused(asked, spec({ moduleOptions }))[0]).toContain(message);
  });
  test("for vfio modules are written beside the project's own", () => {
    const plan = planned(
      xeonFacts(),
      spec({ moduleOptions: { vfio: { enable_unsafe_noiommu_mode: 0 }, vfio_pci: { disable_idle_d3: 1 } } }),
    );
    const file = input(plan, "/etc/modprobe.d/vfio.conf");
    expect(file).toContain("options vfio enable_unsafe_noiommu_mode=0\noptions vfio_pci disable_idle_d3=1\n");
    expect(
      plan.steps.map((step) => step.key).filter((key) => key === "/etc/modprobe.d/vfio.conf"),
    ).toHaveLength(1);
  });
});

describe("reboots", () => {
  const running = {
    libvirt: { socket: true, domains: [{ name: "win10", running: true, autostart: false }] },
  };
  const reboot = (plan: KernelPlan) => plan.steps.find((step) => step.key === "reboot");

  test("ask: the preview announces a reboot; consent is part of the token, so later previews are clean", () => {
    const asked = planned(xeonFacts(), spec({ reboot: "ask" }));
    expect(asked.warnings[0]).toContain("run it with VFIO_FLEET_REBOOT=yes");
    const agreed = planned(xeonFacts(), spec({ reboot: "ask" }), true);
    expect(agreed.warnings[0]).toContain("will be rebooted");
    expect(reboot(asked)?.args).toEqual(reboot(agreed)?.args);
    const step = reboot(agreed);
    expect(step && tokenFor(xeonFacts(), step, "2026-01-02T03:04:05.000Z")).toBe(
      "2026-01-02T03:04:05.000Z+reboot",
    );
    expect(reboot(asked)?.consent).toBeUndefined();
    // auto needs no consent, and the environment does not change it.
    expect(reboot(planned(xeonFacts(), spec(), true))?.consent).toBeUndefined();
  });

  test("running domains are refused, unless they are drained or nothing reboots", () => {
    const facts = xeonFacts(running);
    expect(refused(facts)[0]).toContain("win10 would lose power → set kernel.drain: true");
    expect(refused(facts, spec({ reboot: "ask" }), true)[0]).toContain("win10");
    expect(planned(facts, spec({ reboot: "ask" })).steps).not.toEqual([]);
    const drained = planned(facts, spec({ drain: true, drainTimeoutSeconds: 60 }));
    expect(reboot(drained)?.args).toEqual(["auto", "60"]);
    expect(drained.warnings.join()).toContain("win10: shut down before the reboot");
    expect(drained.leave).toEqual(["auto", "60"]);
  });

  test("a dropped argument needs a reboot as well", () => {
    const lines = input(planned(xeonFacts()), "boot");
    const facts = xeonFacts({
      cmdline: `${xeonFacts().cmdline} intel_iommu=on iommu=pt old=1`,
      pci: xeonFacts().pci.map((one) =>
        one.address.startsWith("0000:03") ? { ...one, driver: "vfio-pci" } : one,
      ),
      moduleParameters: { kvm: { ignore_msrs: "Y" } },
    });
    const applied = (content: string): Facts => ({
      ...facts,
      files: {
        ...facts.files,
        [APPLIED]: { mode: "644", owner: "root", group: "root", sha256: "", content },
      },
    });
    expect(planned(applied(lines)).warnings).toEqual([]);
    expect(planned(applied(`${lines}argument old=1\n`)).warnings[0]).toContain(
      "no longer wanted: argument old=1",
    );
  });
});

describe("several cards, equal or together", () => {
  const twin = [
    device("05:00.0", "10de:1c81", "030000", 40, { driver: "nouveau" }),
    device("05:00.1", "10de:0fb9", "040300", 40, { driver: "snd_hda_intel" }),
  ];
  const twins = xeonFacts({ pci: [...xeonFacts().pci, ...twin] });

  test("of two equal cards only the one with the address is bound", () => {
    const list = input(planned(twins), "/etc/vfio-fleet/bind");
    expect(list).toContain("0000:03:00.0 10de:1c81");
    expect(list).not.toContain("0000:05:00.0");
    expect(refused(twins, spec({ binding: "id" }))).toHaveLength(2);
  });

  test("both equal cards are bound, also by id", () => {
    const both = { gtx1050, other: { ...gtx1050, address: address("05:00.0") } };
    expect(input(planned(twins, spec({}, both)), "/etc/vfio-fleet/bind")).toContain("0000:05:00.1 10de:0fb9");
    const byId = planned(twins, spec({ binding: "id" }, both));
    expect(input(byId, "/etc/modprobe.d/vfio.conf")).toContain("ids=10de:1c81,10de:0fb9 ");
  });

  test("cards behind one bridge are foreign unless the stack hands both over, to one guest", () => {
    const shared = xeonFacts({
      pci: [...xeonFacts().pci, device("04:00.0", "1b21:2142", "0c0330", 30, { driver: "xhci_hcd" })],
    });
    expect(refused(shared)[0]).toContain("0000:04:00.0 (1b21:2142, driver xhci_hcd)");
    const usb = { address: address("04:00.0"), ids: [pciId("1b21:2142")] };
    const plan = planned(shared, spec({}, { gtx1050, usb }));
    expect(plan.warnings).toContainEqual(
      "the cards gtx1050 and usb share IOMMU group 30: they can only run in the same guest at a time",
    );
    expect(input(plan, "boot")).toContain("alone 0000:04:00.0 0000:03:00.0 0000:03:00.1 0000:04:00.0\n");
  });

  test("one card under two names", () => {
    expect(refused(xeonFacts(), spec({}, { a: gtx1050, b: gtx1050 }))).toEqual([
      expect.stringContaining("cards.b.address: 0000:03:00.0 is the card that a names already"),
    ]);
  });
});

describe("cards that may not recover after a guest", () => {
  const warned = (id: string, more: Partial<Facts["pci"][number]>): readonly string[] => {
    const card = device("05:00.0", id, "030000", 40, { driver: "amdgpu", ...more });
    const facts = xeonFacts({ pci: [...xeonFacts().pci, card] });
    return planned(facts, spec({}, { card: { address: card.address, ids: [card.id] } })).warnings;
  };
  test("without a reset method the preview warns, but the plan continues", () => {
    expect(warned("10de:1c81", { resetMethods: [] })).toContainEqual(
      "0000:05:00.0 has no reset method: after the guest stops it may not start again until the host reboots",
    );
    expect(warned("10de:1c81", { resetMethods: ["flr"] }).join()).not.toContain("reset");
  });
  test("a family with known reset bugs is warned about, whatever methods it lists", () => {
    expect(warned("1002:731f", { resetMethods: ["bus"] })).toContainEqual(
      expect.stringMatching(
        /0000:05:00\.0 is an AMD Navi 1x card, a family known not to come back from a reset/,
      ),
    );
  });
});

describe("virtual functions", () => {
  const nic = device("06:00.0", "8086:1572", "020000", 50, {
    driver: "i40e",
    sriov: { total: 64, active: 0, offset: 16, stride: 1, device: "154c" },
  });
  const host = xeonFacts({ pci: [...xeonFacts().pci, nic] });
  const vf = (index: number) => ({
    address: address(`06:0${(16 + index) >> 3}.${(16 + index) & 7}`),
    ids: [pciId("8086:154c")],
  });
  const kernel = { virtualFunctions: [{ of: "06:00.0", count: 4 }] };

  test("are created at boot by the physical function, and bound by address and identity", () => {
    const plan = planned(host, spec(kernel, { vf0: vf(0), vf3: vf(3) }));
    const rules = input(plan, "/etc/udev/rules.d/90-vfio-fleet-sriov.rules").split("\n");
    expect(rules[1]).toContain('KERNEL=="0000:06:00.0"');
    expect(rules[1]).toContain('ATTR{sriov_drivers_autoprobe}="0", ATTR{sriov_numvfs}="4"');
    expect(rules[2]).toContain(
      'KERNEL=="0000:06:02.0", ATTR{vendor}=="0x8086", ATTR{device}=="0x154c", ATTR{driver_override}="vfio-pci"',
    );
    expect(rules[3]).toContain('KERNEL=="0000:06:02.3"');
    expect(input(plan, "boot")).toContain("function 0000:06:02.0 8086:154c\n");
    // They do not exist when the initramfs binds.
    expect(input(plan, "/etc/vfio-fleet/bind")).not.toContain("0000:06:02");
  });

  test("two of them in one slot are two cards", () => {
    const there = [0, 1].map((index) =>
      device(vf(index).address.slice(5), "8086:154c", "020000", 60 + index, { driver: "vfio-pci" }),
    );
    const plan = planned({ ...host, pci: [...host.pci, ...there] }, spec(kernel, { vf0: vf(0), vf1: vf(1) }));
    expect(input(plan, "boot")).toContain("function 0000:06:02.1 8086:154c\n");
  });

  test.each([
    [
      "a function without any",
      { virtualFunctions: [{ of: "03:00.0", count: 1 }] },
      {},
      "has no virtual functions → devices that have: 0000:06:00.0",
    ],
    [
      "more than the maximum",
      { virtualFunctions: [{ of: "06:00.0", count: 65 }] },
      {},
      "makes 64 virtual functions at most",
    ],
    [
      "one that is not created",
      { virtualFunctions: [{ of: "06:00.0", count: 1 }] },
      { vf3: vf(3) },
      "count: 4 }]",
    ],
    [
      "another identity",
      kernel,
      { vf0: { ...vf(0), ids: [pciId("8086:1520")] } },
      "are 8086:154c, expected 8086:1520",
    ],
  ])("%s", (_, wanted, cards, message) => {
    expect(refused(host, spec(wanted, cards))[0]).toContain(message);
  });
});

describe("groups that changed since the proof", () => {
  const proof = (groups: string): Facts["receipts"] => ({
    prove: {
      token: "t",
      notes: { images: `${xeonFacts().initramfs.images[0]},`, kernel: "6.1.0-36-amd64", groups },
    },
  });
  const drift = (facts: Facts) => planned(facts).steps.find((step) => step.key === "boot")?.drift;
  const bound = xeonFacts({
    cmdline: `${xeonFacts().cmdline} intel_iommu=on iommu=pt`,
    pci: xeonFacts().pci.map((one) =>
      one.address.startsWith("0000:03") ? { ...one, driver: "vfio-pci" } : one,
    ),
    moduleParameters: { kvm: { ignore_msrs: "Y" } },
    excerpts: {},
  });
  test("equal members are no drift, whatever the group's number", () => {
    expect(
      drift({
        ...bound,
        receipts: proof("0000:03:00.0=0000:03:00.0+0000:03:00.1 0000:03:00.1=0000:03:00.0+0000:03:00.1"),
      }),
    ).toBeUndefined();
  });
  test("other members are drift, with both kernels named", () => {
    expect(
      drift({ ...bound, receipts: proof("0000:03:00.0=0000:03:00.0 0000:03:00.1=0000:03:00.1") }),
    ).toMatchObject({
      found: expect.stringContaining(
        "0000:03:00.0: its IOMMU group holds 0000:03:00.0, 0000:03:00.1 on Linux 6.1.0-37-amd64; on 6.1.0-36-amd64 it held 0000:03:00.0",
      ),
    });
  });
});
