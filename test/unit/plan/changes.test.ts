import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { grub } from "../../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import { hostSchema } from "../../../components/host/host-spec.ts";
import { planHost } from "../../../components/host/plan-host.ts";
import { editStep } from "../../../components/plan/edit.ts";
import { APPLIED, planKernel } from "../../../components/plan/kernel/kernel-plan.ts";
import { kernelSchema, type CardSpec } from "../../../components/plan/kernel/kernel-spec.ts";
import { planLibvirt } from "../../../components/plan/libvirt/libvirt-plan.ts";
import { libvirtSchema } from "../../../components/plan/libvirt/qemu-conf.ts";
import { receiptName, type Step } from "../../../components/plan/step.ts";
import { explainDrift } from "../../../components/step-commands.ts";
import { hostDrift } from "../../../fleet/report/drift.ts";
import { address, pciId, xeonFacts } from "../../fixtures/xeon.ts";

/** A change of the stack is not what somebody did to the host, and is not said to be. */
const receipt = (key: string, notes: Readonly<Record<string, string>>): Facts["receipts"] => ({
  [receiptName(key)]: { token: "t", notes },
});
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const file = (content: string) => ({
  content,
  mode: "644",
  owner: "root",
  group: "root",
  sha256: sha256(content),
});
const told = ({ drift, nowWanted }: Step) => ({ drift: drift && explainDrift(drift), nowWanted });

describe("packages", () => {
  const [tpm = ""] = debian.tpmPackages;
  const [base = ""] = debian.packages;
  const step = (missing: readonly string[], further: readonly string[], notes?: Record<string, string>) => {
    const packages = Object.fromEntries(
      [...debian.packages, ...debian.tpmPackages].map((name) => [name, missing.includes(name) ? null : "1"]),
    );
    const receipts = notes ? receipt("packages", notes) : {};
    const facts = xeonFacts({ packages, receipts });
    const plan = planLibvirt(libvirtSchema.parse({}), facts, debian, further, "hook");
    const found = plan.ok && plan.value.find(({ key }) => key === "packages");
    if (!found) throw new Error("no step");
    return told(found);
  };
  const asked = (...more: readonly string[]) => ({ asked: [...debian.packages, ...more].join(" ") });

  test("a domain that newly wants a TPM is a change of the stack", () => {
    expect(step([tpm], [tpm], asked())).toEqual({ drift: undefined, nowWanted: `packages ${tpm}` });
  });
  test("one that was wanted and is gone is drift", () => {
    expect(step([tpm], [tpm], asked(tpm))).toEqual({
      drift: `the host differs: not installed: ${tpm} (wanted: installed)`,
      nowWanted: undefined,
    });
  });
  test("both at once are told apart", () => {
    expect(step([base, tpm], [tpm], asked())).toEqual({
      drift: `the host differs: not installed: ${base} (wanted: installed)`,
      nowWanted: `packages ${tpm}`,
    });
  });
  test("a receipt from before it held the words: the packages of every host were wanted", () => {
    expect(step([base, tpm], [tpm], {})).toEqual({
      drift: `the host differs: not installed: ${base} (wanted: installed)`,
      nowWanted: `packages ${tpm}`,
    });
  });
  test("the first time nothing is drift, and nothing is new", () => {
    expect(step([base, tpm], [tpm])).toEqual({ drift: undefined, nowWanted: undefined });
  });
});

describe("boot", () => {
  const drivers = { bootloader: grub, initramfs: initramfsTools, distro: debian };
  type Cards = Readonly<Record<string, CardSpec>>;
  const bound: Cards = {
    gtx1050: { address: address("03:00.0"), ids: [pciId("10de:1c81"), pciId("10de:0fb9")] },
  };
  const step = (facts: Facts, kernel: object = {}, cards: Cards = bound) => {
    const plan = planKernel({ headless: false, cards, kernel: kernelSchema.parse(kernel) }, facts, drivers);
    const found = plan.ok && plan.value.steps.find(({ key }) => key === "boot");
    if (!found) throw new Error(JSON.stringify(plan));
    return found;
  };
  const applied = ({ input = "" }: Step): string => input.replaceAll(/^file .*\n/gm, "");
  /** The host as an up of this description leaves it. */
  const proved = (kernel: object = {}, cards: Cards = bound): Facts => {
    const base = xeonFacts();
    const isBound = "gtx1050" in cards;
    return {
      ...base,
      cmdline: `${base.cmdline} intel_iommu=on iommu=pt`,
      pci: base.pci.map((one) =>
        isBound && one.address.startsWith("0000:03:00") ? { ...one, driver: "vfio-pci" } : one,
      ),
      moduleParameters: { kvm: { ignore_msrs: "Y" } },
      excerpts: {},
      files: { ...base.files, [APPLIED]: file(applied(step(base, kernel, cards))) },
      receipts: receipt("prove", { images: base.initramfs.images.map((one) => `${one},`).join("") }),
    };
  };

  test("as proved: nothing to say", () => {
    expect(step(proved())).toMatchObject({ inPlace: true });
    expect(told(step(proved()))).toEqual({ drift: undefined, nowWanted: undefined });
  });
  test.each([
    ["an argument", {}, { arguments: ["nmi_watchdog=0"] }, "argument nmi_watchdog=0"],
    ["a module option", {}, { moduleOptions: { kvm: { ignore_msrs: 1, halt_poll_ns: 0 } } }, /halt_poll_ns/],
    [
      "an argument that goes",
      { arguments: ["nmi_watchdog=0"] },
      {},
      "no longer wanted: argument nmi_watchdog=0",
    ],
  ])("%s that the stack has come to want, or wants no longer", (_, before, after, said) => {
    const facts = proved(before);
    const found = step(facts, after);
    expect(found.inPlace).toBe(false);
    expect(told(found).drift).toBeUndefined();
    expect(told(found).nowWanted).toMatch(said);
  });
  test("a card that the stack has come to list", () => {
    const found = told(step(proved({}, {})));
    expect(found.drift).toBeUndefined();
    expect(found.nowWanted).toContain("function 0000:03:00.0 10de:1c81");
  });
  test("a card that somebody took back is drift, also when the stack changes at once", () => {
    const facts = proved();
    const taken = { ...facts, pci: facts.pci.map((one) => ({ ...one, driver: "nouveau" })) };
    expect(told(step(taken, { arguments: ["nmi_watchdog=0"] }))).toEqual({
      drift: expect.stringMatching(
        /^the host differs: 0000:03:00\.0: driver is nouveau(?!.*nmi_watchdog).* \(wanted: as proved by the last up\)$/,
      ),
      nowWanted: "argument nmi_watchdog=0",
    });
  });
  test("a reboot that is still to come is no drift, and nobody has rebuilt an image", () => {
    const facts = { ...xeonFacts(), receipts: receipt("prove", { pending: "reboot" }) };
    expect(told(step(facts)).drift).toBeUndefined();
    expect(step(facts).inPlace).toBe(false);
  });
});

describe("a file that others write as well", () => {
  const path = "/etc/default/grub";
  const block = (content: string, text: string, written: string | undefined) =>
    told(
      editStep(
        xeonFacts({
          files: { [path]: file(`${text}\n`) },
          receipts: receipt(path, {
            sha256: "of the file as it was then",
            ...(written !== undefined && { block: sha256(written) }),
          }),
        }),
        { kind: "block", path, content },
      ),
    ).drift;
  const marked = (content: string): string => `# BEGIN vfio-fleet\n${content}\n# END vfio-fleet`;

  test("a new block is no drift, however others have changed the rest", () => {
    expect(block("A=2", `OTHER=1\n${marked("A=1")}`, "A=1")).toBeUndefined();
  });
  test("a block that somebody edited or took out is, also when the stack changes at once", () => {
    expect(block("A=2", marked("A=9"), "A=1")).toContain("-A=9");
    expect(block("A=2", "OTHER=1", "A=1")).toBeDefined();
    // by a receipt from before it held the block
    expect(block("A=2", marked("A=9"), undefined)).toContain("-A=9");
  });

  const words = (text: string, wanted: readonly string[], then: string) =>
    told(
      editStep(
        xeonFacts({
          files: { "/etc/kernel/cmdline": file(text) },
          receipts: receipt("/etc/kernel/cmdline", { sha256: "then", words: then, wanted: then }),
        }),
        { kind: "words", path: "/etc/kernel/cmdline", words: wanted },
      ),
    ).drift;
  test("new words are no drift, however others have changed the line; lost ones are", () => {
    expect(words("root=UUID=2 debug a\n", ["a", "b"], "a")).toBeUndefined();
    expect(words("root=UUID=2 a\n", ["b"], "a")).toBeUndefined();
    expect(words("root=UUID=2\n", ["a", "b"], "a")).toBe(
      "the host differs: /etc/kernel/cmdline: root=UUID=2 (wanted: a b)",
    );
  });
});

describe("a domain's start with the host", () => {
  const spec = hostSchema.parse({
    connection: { host: "xeon" },
    kernel: { reboot: "never" },
    domains: { win: { profile: "reference", memory: "4 GiB", networks: [], disks: [], autostart: true } },
  });
  const step = (asked: string, autostart: boolean): Step => {
    const stepOf = (facts: Facts) => {
      const plan = planHost(spec, facts, { stack: "home", host: "xeon" });
      if (!plan.ok) throw new Error(JSON.stringify(plan.problems));
      const [domain] = plan.value.domains;
      const found = domain?.steps.find(({ key }) => key === "domain win");
      if (!domain || !found) throw new Error("no step");
      return { xml: domain.xml, found };
    };
    const { xml } = stepOf(xeonFacts());
    return stepOf(
      xeonFacts({
        libvirt: { socket: true, domains: [{ name: "win", running: false, autostart, xml }] },
        receipts: receipt("domain win", { asked }),
      }),
    ).found;
  };
  test("as it was asked for", () => {
    expect(step("win autostart", true)).toMatchObject({ inPlace: true });
    expect(step("win autostart", true)).not.toHaveProperty("drift");
  });
  test("that somebody switched off is drift, that the stack has come to want is not", () => {
    expect(step("win autostart", false).drift).toMatchObject({ found: "it does not start with the host" });
    const changed = step("win manual", false);
    expect(changed.inPlace).toBe(false);
    expect(changed).not.toHaveProperty("drift");
  });
});

test("the report says what the stack now wants", () => {
  const spec = hostSchema.parse({ connection: { host: "192.0.2.10" }, kernel: { arguments: ["quiet"] } });
  const packages = Object.fromEntries(debian.packages.map((name) => [name, null]));
  const facts = xeonFacts({ packages, receipts: receipt("packages", { asked: "other" }) });
  const found = hostDrift(facts, {
    name: "xeon",
    stack: "xeon",
    spec,
    connection: { ok: false, problems: [] },
  });
  expect(found).toMatchObject({
    kind: "pending",
    items: expect.arrayContaining([
      { what: "packages", found: `now wanted: packages ${debian.packages.join(", ")}` },
    ]),
  });
});
