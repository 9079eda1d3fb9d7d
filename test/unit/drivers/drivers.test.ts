import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parseCmdline } from "../../../components/facts/cmdline.ts";
import type { HostDrivers } from "../../../components/plan/driver.ts";
import type { Facts, HostFile } from "../../../components/facts/facts.ts";
import { planKernel, type KernelPlan } from "../../../components/plan/kernel/kernel-plan.ts";
import { kernelSchema } from "../../../components/plan/kernel/kernel-spec.ts";
import { planLibvirt } from "../../../components/plan/libvirt/libvirt-plan.ts";
import { libvirtSchema } from "../../../components/plan/libvirt/qemu-conf.ts";
import { receiptName, tokenFor, type Step } from "../../../components/plan/step.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { driverQuestion } from "../../../components/drivers/question.ts";
import { drivers } from "../../../components/drivers/registry.ts";
import { address, pciId, xeonFacts } from "../../fixtures/xeon.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import { factsOf, recordedHosts } from "../support/recorded-hosts.ts";

/**
 * Every driver of the registry, in every pairing and on every recorded host: what its plan writes is there for the next
 * plan, and undone to the byte.
 */
const PAIRS = recordedHosts("bootloader")
  .filter(({ refused }) => refused === undefined)
  .flatMap((recorded) =>
    drivers.initramfs.map((initramfs) => ({
      name: `${recorded.name} and ${initramfs.name}`,
      initramfs,
      recorded,
    })),
  );

let host: FakeAgent;

/** A file of the made-up host as the probe tells of it; whoever runs this stands for root. */
const found = (path: string): HostFile | undefined => {
  const content = host.read(path);
  if (content === undefined) return undefined;
  const mode = (statSync(join(host.root, path)).mode & 0o777).toString(8);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { mode, owner: "root", group: "root", content, sha256 };
};
/** Every folder and file of the host but the agent's own, with mode and content. */
const tree = (): string[] =>
  readdirSync(host.root, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
    .filter(({ path }) => !/^\/(var|run)(\/|$)/.test(path.slice(host.root.length)))
    .map(({ entry, path }) =>
      entry.isFile()
        ? `${(statSync(path).mode & 0o777).toString(8)} ${path}: ${readFileSync(path, "utf8")}`
        : path,
    )
    .sort();

/** The recorded host's facts with its files as they are now, these paths among them. */
const factsNow = (recorded: Facts, paths: readonly string[], more: Partial<Facts> = {}): Facts => ({
  ...recorded,
  ...more,
  files: Object.fromEntries(
    [...Object.keys(recorded.files), ...paths].flatMap((path) => {
      const file = found(path);
      return file ? [[path, file]] : [];
    }),
  ),
  excerpts: Object.fromEntries(
    driverQuestion.excerpts.flatMap(({ path, lines }) => {
      const content = found(path)?.content;
      return content === undefined ? [] : [[path, content.split("\n").filter((line) => lines.test(line))]];
    }),
  ),
});
const plan = (found: Facts, drivers: HostDrivers): KernelPlan => {
  const cards = { gpu: { address: address("03:00.0"), ids: [pciId("10de:1c81"), pciId("10de:0fb9")] } };
  const result = planKernel({ headless: false, cards, kernel: kernelSchema.parse({}) }, found, drivers);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
};
const isEdit = ({ verb }: Step): boolean => ["file", "block", "words"].includes(verb);

describe("a boot loader with an initramfs generator", () => {
  afterEach(() => host.remove());
  test.each(PAIRS.map((pair) => [pair.name, pair] as const))(
    "%s: written, already so for the next plan, undone to the byte",
    (_, { recorded, initramfs }) => {
      const fromProbe = factsOf(recorded);
      const bootloader = drivers.bootloader.find((driver) => driver.detect(fromProbe));
      if (!bootloader) throw new Error("no driver detects it");
      const chosen: HostDrivers = { bootloader, initramfs, distro: debian };
      host = new FakeAgent(chosen, "dash");
      const put = (path: string, content: string): void =>
        host.file(path, content, { exact: true, mode: 0o640 });
      for (const [path, content] of Object.entries(recorded.root)) put(path, content);
      const before = tree();
      const fresh = factsNow(fromProbe, []);
      const first = plan(fresh, chosen);
      const edits = first.steps.filter(isEdit);
      expect(edits.filter(({ inPlace }) => inPlace)).toEqual([]);
      for (const step of edits)
        expect(host.run([step.verb, ...step.args, "token=t1"], step.input)).toMatchObject({
          status: 0,
          errors: "",
        });

      // the host after its reboot: what the plan wanted to see is there
      const wanted = first.steps.find(({ key }) => key === "boot")?.input ?? "";
      const args = wanted.split("\n").flatMap((line) => /^argument (.*)/.exec(line)?.[1] ?? []);
      expect(args).toEqual(["intel_iommu=on", "iommu=pt"]);
      for (const [path, lines] of Object.entries(recorded.menu ?? {}))
        put(
          path,
          (recorded.root[path] ?? "").replaceAll(new RegExp(`${lines}.*`, "gm"), `$& ${args.join(" ")}`),
        );
      const base = xeonFacts();
      const note = (key: string): [string, Facts["receipts"][string]] => {
        const { token = "t1", ...notes } = host.receipt(key) ?? {};
        return [receiptName(key), { token, notes }];
      };
      const applied = factsNow(
        fromProbe,
        edits.map(({ key }) => key),
        {
          cmdline: `${fresh.cmdline} ${args.join(" ")}`,
          pci: base.pci.map((device) =>
            device.address.startsWith("0000:03") ? { ...device, driver: "vfio-pci" } : device,
          ),
          moduleParameters: { kvm: { ignore_msrs: "Y" } },
          receipts: Object.fromEntries([
            ...first.steps.map(({ key }) => note(key)),
            [
              "prove",
              { token: "t1", notes: { images: base.initramfs.images.map((one) => `${one},`).join("") } },
            ],
          ]),
        },
      );
      const second = plan(applied, chosen);
      expect(second.steps.filter(({ inPlace }) => !inPlace)).toEqual([]);
      expect(second.steps.filter(({ drift }) => drift)).toEqual([]);
      expect(new Set(second.steps.map((step) => tokenFor(applied, step, "another run")))).toEqual(
        new Set(["t1"]),
      );
      // nor do inputs change, which alone would be an update
      expect(second.steps.map(({ key, args, input }) => [key, args, input])).toEqual(
        first.steps.map(({ key, args, input }) => [key, args, input]),
      );
      // others' arguments are where they were
      const own = bootloader.ownArguments(applied);
      expect(own).toEqual(bootloader.ownArguments(fresh));
      expect(parseCmdline(fresh.cmdline)).toEqual(expect.arrayContaining([...own]));

      for (const path of Object.keys(recorded.menu ?? {})) put(path, recorded.root[path] ?? "");
      for (const step of edits.toReversed())
        expect(host.run([...(step.undo ?? [])])).toMatchObject({ status: 0, errors: "" });
      expect(tree()).toEqual(before);
      expect(host.list("/var/lib/vfio-fleet/kept")).toEqual([]);
    },
  );
});

describe.each(drivers.distro.map((distro) => [distro.name, distro] as const))(
  "the packages of %s",
  (_, distro) => {
    const step = (missing: readonly string[]): Step => {
      const names = [...distro.packages, ...distro.tpmPackages];
      const packages = Object.fromEntries(names.map((name) => [name, missing.includes(name) ? null : "1"]));
      const receipts = { packages: { token: "t1", notes: {} } };
      const result = planLibvirt(
        libvirtSchema.parse({}),
        xeonFacts({ packages, receipts }),
        distro,
        distro.tpmPackages,
        "hook",
      );
      const found = result.ok ? result.value.find(({ verb }) => verb === "packages") : undefined;
      if (!found) throw new Error("no step");
      return found;
    };
    test("already so, and one that is gone is drift by its name", () => {
      expect(step([])).toMatchObject({ inPlace: true });
      expect(step([])).not.toHaveProperty("drift");
      expect(step([distro.firmware.package])).toMatchObject({
        inPlace: false,
        drift: { found: `not installed: ${distro.firmware.package}` },
      });
    });
  },
);
