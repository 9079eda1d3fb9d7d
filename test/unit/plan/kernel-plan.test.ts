import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { grub } from "../../../components/drivers/bootloader/grub/driver.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import {
  planKernel,
  type KernelPlan,
  type PassthroughSpec,
} from "../../../components/plan/kernel/kernel-plan.ts";
import { kernelSchema } from "../../../components/plan/kernel/kernel-spec.ts";
import type { Problem } from "../../../components/facts/problem.ts";
import { receiptName } from "../../../components/plan/step.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { address, device, pciId, xeonFacts } from "../../fixtures/xeon.ts";

const drivers = { bootloader: grub, initramfs: initramfsTools, distro: debian };
const spec = (kernel: object = {}, more: Partial<PassthroughSpec> = {}): PassthroughSpec => ({
  headless: false,
  cards: { gtx1050: { address: address("03:00.0"), ids: [pciId("10de:1c81"), pciId("10de:0fb9")] } },
  kernel: kernelSchema.parse(kernel),
  ...more,
});
const planned = (facts: Facts, wanted = spec()): KernelPlan => {
  const result = planKernel(wanted, facts, drivers);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
};
const refused = (facts: Facts, wanted = spec()): readonly Problem[] => {
  const result = planKernel(wanted, facts, drivers);
  if (result.ok) throw new Error("was not refused");
  return result.problems;
};
const step = (plan: KernelPlan, key: string) => {
  const found = plan.steps.find((one) => one.key === key);
  if (!found) throw new Error(`no step ${key}`);
  return found;
};

/** The host after an `up`: every file written, receipts present, effects visible. */
const applied = (facts: Facts, wanted = spec()): Facts => {
  const plan = planned(facts, wanted);
  const files = Object.fromEntries(
    plan.steps.flatMap((one) =>
      one.verb === "file"
        ? [
            [
              one.key,
              {
                mode: one.args[1] ?? "",
                owner: "root",
                group: "root",
                content: one.input ?? "",
                sha256: createHash("sha256")
                  .update(one.input ?? "")
                  .digest("hex"),
              },
            ],
          ]
        : [],
    ),
  );
  return {
    ...facts,
    cmdline: `${facts.cmdline} intel_iommu=on iommu=pt`,
    files: { ...facts.files, ...files },
    pci: facts.pci.map((one) =>
      one.address.startsWith("0000:03:00") ? { ...one, driver: "vfio-pci" } : one,
    ),
    moduleParameters: { kvm: { ignore_msrs: "Y" } },
    excerpts: {
      "/boot/grub/grub.cfg": (facts.excerpts?.["/boot/grub/grub.cfg"] ?? []).map((line) =>
        line.endsWith("quiet") ? `${line} intel_iommu=on iommu=pt` : line,
      ),
    },
    receipts: Object.fromEntries(
      plan.steps.map((one) => [
        receiptName(one.key),
        {
          token: "t1",
          notes: {
            ...(files[one.key] && { sha256: files[one.key]?.sha256 ?? "" }),
            ...(one.key === "prove" && {
              images: facts.initramfs.images.map((image) => `${image},`).join(""),
            }),
          },
        },
      ]),
    ),
  };
};

describe("a host that is not set up", () => {
  test("files come first, then the boot configuration, the reboot and the proof", () => {
    const plan = planned(xeonFacts());
    expect(plan.steps.map((one) => one.key)).toEqual([
      "/etc/modprobe.d/vfio.conf",
      "/etc/modprobe.d/kvm.conf",
      "/etc/vfio-fleet/bind",
      "/etc/initramfs-tools/hooks/vfio-fleet",
      "/etc/initramfs-tools/scripts/init-top/00-vfio-fleet",
      "/etc/default/grub.d/90-vfio-fleet.cfg",
      "/etc/grub.d/42_vfio-fleet",
      "boot",
      "reboot",
      "prove",
    ]);
    for (const [index, one] of plan.steps.entries())
      for (const earlier of one.after)
        expect(plan.steps.findIndex((other) => other.key === earlier)).toBeLessThan(index);
    expect(plan.steps.every((one) => !one.inPlace && one.drift === undefined)).toBe(true);
  });

  test("both functions are bound by address with their identity, not by id", () => {
    const plan = planned(xeonFacts());
    expect(step(plan, "/etc/vfio-fleet/bind").input).toContain(
      "0000:03:00.0 10de:1c81 1043:85d8\n0000:03:00.1 10de:0fb9 1043:85d8\n",
    );
    expect(step(plan, "/etc/modprobe.d/vfio.conf").input).not.toContain("ids=");
  });

  test("binding by id writes the ids, and rival drivers wait in the initramfs", () => {
    const plan = planned(xeonFacts(), spec({ binding: "id" }));
    expect(step(plan, "/etc/modprobe.d/vfio.conf").input).toContain(
      "options vfio-pci ids=10de:1c81,10de:0fb9 disable_vga=1\n",
    );
    // The old boot configuration reads this file too, and it must not load vfio-pci there.
    expect(step(plan, "/etc/modprobe.d/vfio.conf").input).not.toContain("softdep");
    const script = "/etc/initramfs-tools/scripts/init-top/00-vfio-fleet";
    expect(step(plan, script).input).toContain("for rival in nouveau nvidia ");
    expect(step(planned(xeonFacts()), script).input).not.toContain("rival");
    expect(step(plan, "/etc/vfio-fleet/bind").input).not.toContain("03:00");
  });

  test("vfio_virqfd is loaded only if the kernel has it as a module", () => {
    const newer = xeonFacts({
      kernel: "6.12.0-1-amd64",
      vfioModules: { "6.12.0-1-amd64": ["vfio", "vfio_iommu_type1", "vfio_pci", "vfio_pci_core"] },
    });
    expect(step(planned(xeonFacts()), "boot").input).toContain("module vfio_virqfd\n");
    expect(step(planned(newer), "boot").input).not.toContain("vfio_virqfd");
  });

  test("AMD gets no intel_iommu, and amd_iommu=on only on request, with a warning", () => {
    const amd = xeonFacts({ cpu: { ...xeonFacts().cpu, vendor: "amd" } });
    expect(step(planned(amd), "boot").input).not.toMatch(/(intel|amd)_iommu/);
    const asked = planned(amd, spec({ amdIommuOn: true }));
    expect(step(asked, "boot").input).toContain("argument amd_iommu=on\n");
    expect(asked.warnings.join()).toContain("amd_iommu=on is no value the kernel knows");
    const intel = planned(xeonFacts(), spec({ amdIommuOn: true }));
    expect(step(intel, "boot").input).not.toContain("amd_iommu");
    expect(intel.warnings.join()).toContain("amd_iommu=on is asked for and left out");
  });

  test("arguments of the host's own configuration are not written twice", () => {
    const facts = xeonFacts();
    const own = { ...facts.files["/etc/default/grub"], content: "GRUB_CMDLINE_LINUX='quiet iommu=pt'\n" };
    const plan = planned({ ...facts, files: { "/etc/default/grub": own as never } });
    expect(step(plan, "/etc/default/grub.d/90-vfio-fleet.cfg").input).toContain(
      'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT intel_iommu=on"',
    );
    expect(step(plan, "boot").input).toContain("argument iommu=pt\n");
  });
});

describe("a host that is settled", () => {
  test("has no open step, and no token changes", () => {
    const plan = planned(applied(xeonFacts()));
    expect(plan.steps.filter((one) => !one.inPlace)).toEqual([]);
    expect(plan.steps.filter((one) => one.drift)).toEqual([]);
  });

  test("with an edited file has drift in that file only", () => {
    const facts = applied(xeonFacts());
    const path = "/etc/modprobe.d/vfio.conf";
    const file = facts.files[path];
    if (!file) throw new Error("no file");
    const plan = planned({
      ...facts,
      files: { ...facts.files, [path]: { ...file, content: `${file.content}x`, sha256: "other" } },
    });
    expect(plan.steps.filter((one) => !one.inPlace).map((one) => one.key)).toEqual([path]);
    expect(step(plan, path).drift).toMatchObject({
      kind: "file",
      found: `${file.content}x`,
      wanted: file.content,
    });
  });

  test("with a changed stack has no drift", () => {
    const plan = planned(applied(xeonFacts()), spec({ disableVga: false }));
    const changed = step(plan, "/etc/modprobe.d/vfio.conf");
    expect(changed.inPlace).toBe(false);
    expect(changed.drift).toBeUndefined();
  });

  test.each([
    [
      "a function went back to another driver",
      (f: Facts) => ({ pci: f.pci.map((d) => ({ ...d, driver: "nouveau" })) }),
    ],
    ["the boot menu lost an argument", () => ({ excerpts: xeonFacts().excerpts })],
    [
      "the initramfs was rebuilt",
      (f: Facts) => ({ initramfs: { ...f.initramfs, images: ["/boot/initrd.img-x:1:2"] } }),
    ],
    ["the module option is not in effect", () => ({ moduleParameters: { kvm: { ignore_msrs: "N" } } })],
  ])("%s: boot, reboot and proof run again", (_, change) => {
    const facts = applied(xeonFacts());
    const plan = planned({ ...facts, ...change(facts) });
    expect(plan.steps.filter((one) => !one.inPlace).map((one) => one.key)).toEqual([
      "boot",
      "reboot",
      "prove",
    ]);
    expect(step(plan, "boot").drift).toBeDefined();
  });
});

describe("refusals", () => {
  const withFree = (freeBytes: number, base = xeonFacts()): Facts => ({
    ...base,
    boot: { ...base.boot, freeBytes },
  });
  test("a /boot without room for the trial's initramfs is refused", () => {
    expect(refused(withFree(30_000_000))).toContainEqual({
      path: "/boot",
      problem:
        "28 MiB are free, and the trial's initramfs needs about 30 MiB beside /boot/initrd.img-6.1.0-37-amd64",
      remedy: "remove kernels that are not needed (Debian: apt autoremove --purge)",
    });
    expect(planned(withFree(32_000_000)).steps.length).toBeGreaterThan(3);
    // Nothing has to be built on a settled host.
    expect(planned(withFree(0, applied(xeonFacts()))).steps.every(({ inPlace }) => inPlace)).toBe(true);
  });
  test("an IOMMU that the firmware does not offer", () => {
    expect(refused(xeonFacts({ exists: [], iommu: { units: [], groups: 0 } }))).toEqual([
      expect.objectContaining({ path: "IOMMU", remedy: expect.stringContaining("firmware") }),
    ]);
  });
  test("an IOMMU that is only disabled is accepted: one trial boot changes everything", () => {
    const off = xeonFacts({ iommu: { units: [], groups: 0 } });
    expect(planned({ ...off, pci: off.pci.map((one) => ({ ...one, iommuGroup: null })) }).steps).not.toEqual(
      [],
    );
  });
  test("a kernel older than 4.1", () => {
    expect(refused(xeonFacts({ kernel: "3.16.0-4-amd64" }))[0]?.problem).toContain("3.16.0-4-amd64");
  });
  test("an address without a device names the address of such a device", () => {
    const cards = { gtx1050: { address: address("05:00.0"), ids: [pciId("10de:1c81")] } };
    expect(refused(xeonFacts(), spec({}, { cards }))).toEqual([
      expect.objectContaining({
        problem: expect.stringContaining("0000:05:00.0"),
        remedy: expect.stringContaining("0000:03:00.0"),
      }),
    ]);
  });
  test("another card in the slot", () => {
    const cards = { gtx1050: { address: address("03:00.0"), ids: [pciId("10de:1c03"), pciId("10de:10f1")] } };
    expect(refused(xeonFacts(), spec({}, { cards }))[0]?.problem).toContain("10de:1c81, 10de:0fb9");
  });
  test("a function that is not named is refused: the card is handed over whole or not at all", () => {
    const cards = { gtx1050: { address: address("03:00.0"), ids: [pciId("10de:1c81")] } };
    expect(refused(xeonFacts(), spec({}, { cards }))[0]?.path).toBe("cards.gtx1050.ids");
  });
  test("foreign members of the group by name and driver, except bridges", () => {
    const facts = xeonFacts();
    const shared = {
      ...facts,
      pci: [
        ...facts.pci,
        device("04:00.0", "8086:a102", "010601", 30, { driver: "ahci" }),
        device("00:03.0", "8086:2f08", "060400", 30),
      ],
    };
    expect(refused(shared)).toEqual([
      expect.objectContaining({ problem: expect.stringMatching(/0000:04:00\.0.*8086:a102.*ahci/) }),
    ]);
  });
  test("the boot display, unless headless", () => {
    const cards = { ast: { address: address("08:00.0"), ids: [pciId("1a03:2000")] } };
    expect(refused(xeonFacts(), spec({}, { cards }))[0]?.remedy).toContain("headless: true");
    expect(planned(xeonFacts(), spec({}, { cards, headless: true })).steps).not.toEqual([]);
  });
  test("the SSH connection's network card", () => {
    const cards = { nic: { address: address("07:00.0"), ids: [pciId("8086:1533")] } };
    expect(refused(xeonFacts(), spec({}, { cards }))[0]?.problem).toContain("SSH connection");
  });
  test("binding by id if an equal card stays with the host", () => {
    const facts = xeonFacts();
    const twins = { ...facts, pci: [...facts.pci, device("05:00.0", "10de:1c81", "030000", 40)] };
    expect(refused(twins, spec({ binding: "id" }))[0]?.problem).toContain("0000:05:00.0");
    expect(planned(twins).steps).not.toEqual([]);
  });
  test("a contradiction on the host's own command line", () => {
    const facts = xeonFacts();
    const own = {
      ...facts.files["/etc/default/grub"],
      content: 'GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=off"\n',
    };
    expect(refused({ ...facts, files: { "/etc/default/grub": own as never } })[0]?.problem).toContain(
      "intel_iommu=off",
    );
  });
  test("running domains before a reboot", () => {
    const facts = xeonFacts({
      libvirt: { socket: true, domains: [{ name: "win10", running: true, autostart: false }] },
    });
    expect(refused(facts)[0]?.problem).toContain("win10");
    expect(planned(facts, spec({ reboot: "never" })).steps).not.toEqual([]);
  });
  test("all at once", () => {
    const cards = {
      a: { address: address("05:00.0"), ids: [pciId("10de:1c81")] },
      b: { address: address("08:00.0"), ids: [pciId("1a03:2000")] },
    };
    expect(refused(xeonFacts({ kernel: "3.2.0" }), spec({}, { cards })).map((one) => one.path)).toEqual([
      "kernel",
      "cards.a.address",
      "cards.b",
    ]);
  });
});
