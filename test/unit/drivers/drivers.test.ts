import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { bootloaders } from "../../../components/drivers/bootloader/registry.ts";
import { parseCmdline } from "../../../components/facts/cmdline.ts";
import type { BootloaderDriver, HostDrivers } from "../../../components/plan/driver.ts";
import type { Facts, HostFile } from "../../../components/facts/facts.ts";
import { planKernel, type KernelPlan } from "../../../components/plan/kernel/kernel-plan.ts";
import { kernelSchema } from "../../../components/plan/kernel/kernel-spec.ts";
import { planLibvirt } from "../../../components/plan/libvirt/libvirt-plan.ts";
import { libvirtSchema } from "../../../components/plan/libvirt/qemu-conf.ts";
import { receiptName, tokenFor, type Step } from "../../../components/plan/step.ts";
import { distros } from "../../../components/drivers/distro/registry.ts";
import { initramfsGenerators } from "../../../components/drivers/initramfs/registry.ts";
import { address, pciId, xeonFacts } from "../../fixtures/xeon.ts";
import { FakeAgent } from "../support/fake-agent.ts";

/**
 * Every driver of the registries, in every pairing: what its plan writes is there for the next plan, and undone to the
 * byte. One that is added has to be told here how its host looks.
 */
const fixture = (name: string): string =>
  readFileSync(new URL(`../../fixtures/bootloader/${name}`, import.meta.url), "utf8");
const DEBIAN_ENTRY = "/efi/loader/entries/4f5c1e0d8f1c4d2f8d5b3a4c5e6f7081-6.12.48+deb13-amd64.conf";

interface Booted {
  readonly files: Readonly<Record<string, string>>;
  readonly cmdline: string;
  readonly loaderInfo?: string;
  readonly present?: readonly string[];
  readonly grubDropIns?: boolean;
  readonly kernel?: string;
}
const GRUB_LINE = "BOOT_IMAGE=/boot/vmlinuz-6.1.0-37-amd64 root=UUID=a52b ro quiet";
const ESPS = { "/etc/kernel/proxmox-boot-uuids": "1FDB-C48E\n9BB0-3E21\n" };
/** Hosts by what booted them; some loaders have more than one. */
const HOSTS: Readonly<Record<string, readonly Booted[]>> = {
  grub: [
    { files: { "/etc/default/grub": fixture("debian-12-default-grub") }, cmdline: GRUB_LINE },
    {
      files: {
        "/etc/default/grub": fixture("ubuntu-24.04-default-grub"),
        "/etc/default/grub.d/init-select.cfg": "# /etc/init-select\n",
      },
      cmdline: `${GRUB_LINE} splash vt.handoff=7`,
    },
  ],
  "grub-without-drop-ins": [
    {
      files: { "/etc/default/grub": fixture("arch-default-grub") },
      cmdline: "BOOT_IMAGE=/boot/vmlinuz-linux root=UUID=a52b rw loglevel=3 quiet",
      grubDropIns: false,
    },
  ],
  "systemd-boot": [
    {
      files: {
        "/etc/kernel/cmdline": "root=UUID=a52b ro quiet\n",
        [DEBIAN_ENTRY]: fixture("debian-13-entry.conf"),
      },
      cmdline: "initrd=\\4f5c\\6.12.48+deb13-amd64\\initrd.img root=UUID=a52b ro quiet",
      loaderInfo: "systemd-boot 257.8-1~deb13u2",
      present: ["/usr/bin/kernel-install"],
      kernel: "6.12.48+deb13-amd64",
    },
    {
      // Debian's kernel-install takes the running kernel's arguments where there is no such file
      files: { [DEBIAN_ENTRY]: fixture("debian-13-entry.conf") },
      cmdline: "initrd=\\4f5c\\6.12.48+deb13-amd64\\initrd.img root=UUID=a52b ro quiet",
      loaderInfo: "systemd-boot 257.8-1~deb13u2",
      present: ["/usr/bin/kernel-install"],
      kernel: "6.12.48+deb13-amd64",
    },
  ],
  "proxmox-systemd-boot": [
    {
      files: { "/etc/kernel/cmdline": "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n", ...ESPS },
      cmdline: "initrd=\\EFI\\proxmox\\6.8.12-9-pve\\initrd.img root=ZFS=rpool/ROOT/pve-1 boot=zfs",
      loaderInfo: "systemd-boot 252.38-1~deb12u1",
    },
  ],
  "proxmox-grub": [
    {
      files: { "/etc/default/grub": fixture("debian-12-default-grub"), ...ESPS },
      cmdline: "BOOT_IMAGE=/vmlinuz-6.8.12-9-pve root=ZFS=rpool/ROOT/pve-1 boot=zfs quiet",
    },
  ],
};

const driven = Object.values<BootloaderDriver>(bootloaders).filter(({ scripts }) => scripts.length > 0);
const PAIRS = driven.flatMap((bootloader) =>
  Object.values(initramfsGenerators).flatMap((initramfs) =>
    (HOSTS[bootloader.name] ?? []).map((booted, at) => ({
      name: `${bootloader.name}${at > 0 ? ` (${at + 1})` : ""} and ${initramfs.name}`,
      drivers: { bootloader, initramfs, distro: distros.debian } satisfies HostDrivers,
      booted,
    })),
  ),
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

const facts = ({ booted }: (typeof PAIRS)[number], paths: readonly string[], more: Partial<Facts>): Facts => {
  const base = xeonFacts();
  return {
    ...base,
    ...more,
    kernel: booted.kernel ?? base.kernel,
    cmdline: more.cmdline ?? booted.cmdline,
    files: Object.fromEntries(
      [...Object.keys(booted.files), ...paths].flatMap((path) => {
        const file = found(path);
        return file ? [[path, file]] : [];
      }),
    ),
    boot: {
      ...base.boot,
      loaderInfo: booted.loaderInfo ?? null,
      present: [...base.boot.present, ...(booted.present ?? [])],
      ...(booted.grubDropIns !== undefined && { grubDropIns: booted.grubDropIns }),
      ...more.boot,
    },
  };
};
const plan = (found: Facts, drivers: HostDrivers): KernelPlan => {
  const cards = { gpu: { address: address("03:00.0"), ids: [pciId("10de:1c81"), pciId("10de:0fb9")] } };
  const result = planKernel({ headless: false, cards, kernel: kernelSchema.parse({}) }, found, drivers);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
};
const isEdit = ({ verb }: Step): boolean => ["file", "block", "words"].includes(verb);

test("every boot loader that is driven has a host here", () => {
  expect(Object.keys(HOSTS).sort()).toEqual(driven.map(({ name }) => name).sort());
});

describe("a boot loader with an initramfs generator", () => {
  afterEach(() => host.remove());
  test.each(PAIRS.map((pair) => [pair.name, pair] as const))(
    "%s: written, already so for the next plan, undone to the byte",
    (_, pair) => {
      const { drivers, booted } = pair;
      host = new FakeAgent(drivers, "dash");
      host.file("/proc/cmdline", booted.cmdline);
      for (const [path, content] of Object.entries(booted.files))
        host.file(path, content, { exact: true, mode: 0o640 });
      const before = tree();
      const fresh = facts(pair, [], {});
      expect(Object.values<BootloaderDriver>(bootloaders).find((driver) => driver.detect(fresh))).toBe(
        drivers.bootloader,
      );
      const first = plan(fresh, drivers);
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
      if (booted.files[DEBIAN_ENTRY])
        host.file(DEBIAN_ENTRY, booted.files[DEBIAN_ENTRY].replace(/^options .*/m, `$& ${args.join(" ")}`), {
          exact: true,
          mode: 0o640,
        });
      const base = xeonFacts();
      const note = (key: string): [string, Facts["receipts"][string]] => {
        const { token = "t1", ...notes } = host.receipt(key) ?? {};
        return [receiptName(key), { token, notes }];
      };
      const applied = facts(
        pair,
        edits.map(({ key }) => key),
        {
          cmdline: `${booted.cmdline} ${args.join(" ")}`,
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
          boot: {
            ...facts(pair, [], {}).boot,
            grubLinux: ["menuentry 'Linux' {", `linux /vmlinuz ${booted.cmdline} ${args.join(" ")}`],
          },
        },
      );
      const second = plan(applied, drivers);
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
      const own = drivers.bootloader.ownArguments(applied);
      expect(own).toEqual(drivers.bootloader.ownArguments(fresh));
      expect(parseCmdline(booted.cmdline)).toEqual(expect.arrayContaining([...own]));

      if (booted.files[DEBIAN_ENTRY])
        host.file(DEBIAN_ENTRY, booted.files[DEBIAN_ENTRY], { exact: true, mode: 0o640 });
      for (const step of edits.toReversed())
        expect(host.run([...(step.undo ?? [])])).toMatchObject({ status: 0, errors: "" });
      expect(tree()).toEqual(before);
      expect(host.list("/var/lib/vfio-fleet/kept")).toEqual([]);
    },
  );
});

describe.each(Object.values(distros).map((distro) => [distro.name, distro] as const))(
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
      expect(step([distro.firmwarePackage])).toMatchObject({
        inPlace: false,
        drift: { found: `not installed: ${distro.firmwarePackage}` },
      });
    });
  },
);
