import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { grub, grubArguments, grubPlain } from "../../../components/drivers/bootloader/grub/driver.ts";
import { systemdBoot } from "../../../components/drivers/bootloader/systemd-boot/driver.ts";
import type { BootloaderDriver } from "../../../components/plan/driver.ts";
import { editStep } from "../../../components/plan/edit.ts";
import type { Facts, HostFile } from "../../../components/facts/facts.ts";
import type { ManagedFile } from "../../../components/plan/step.ts";
import { dracut } from "../../../components/drivers/initramfs/dracut/driver.ts";
import { mkinitcpio } from "../../../components/drivers/initramfs/mkinitcpio/driver.ts";
import { address, xeonFacts } from "../../fixtures/xeon.ts";

const file = (content: string): HostFile => ({
  mode: "644",
  owner: "root",
  group: "root",
  content,
  sha256: "",
});
const ENTRY = "title Debian\nlinux /4f5c/6.12.48+deb13-amd64/linux\noptions root=UUID=a52b ro quiet\n";
const BLS = "initrd=\\4f5c1e0d\\6.12.48+deb13-amd64\\initrd.img root=UUID=a52b ro quiet";

test("GRUB that cannot clear its own choice is refused: LVM, RAID, other file systems", () => {
  const onBoot = (boot: Partial<Facts["boot"]>): Facts =>
    xeonFacts({ boot: { ...xeonFacts().boot, ...boot } });
  const lvm = onBoot({ bootDevice: "/dev/mapper/pve-root" });
  const esp = { address: address("00:1f.2"), what: "/boot/efi" };
  expect(grub.refuse({ ...lvm, carriers: [esp] }, [])).toEqual([]);
  for (const boot of [
    { bootDevice: "/dev/mapper/pve-root" },
    { bootDevice: "/dev/md0" },
    { bootFilesystem: "btrfs" },
  ])
    expect(grub.refuse(onBoot(boot), [])).toHaveLength(1);
  expect(grub.refuse(onBoot({ bootDevice: "/dev/nvme0n1p2" }), [])).toEqual([]);
});

describe("arguments that the host's own configuration has", () => {
  const own = (content: string, drops: Record<string, string> = {}): readonly string[] =>
    grubArguments(
      xeonFacts({
        files: {
          "/etc/default/grub": file(content),
          ...Object.fromEntries(
            Object.entries(drops).map(([name, text]) => [`/etc/default/grub.d/${name}`, file(text)]),
          ),
        },
      }),
    );
  test.each([
    ["double quotes", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\n', ["quiet", "splash"]],
    ["single quotes", "GRUB_CMDLINE_LINUX_DEFAULT='quiet splash'\n", ["quiet", "splash"]],
    ["no quotes, a comment behind", "GRUB_CMDLINE_LINUX_DEFAULT=quiet # why\n", ["quiet"]],
    ["continued lines", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet \\\n  splash"\n', ["quiet", "splash"]],
    [
      "quotes within quotes",
      `GRUB_CMDLINE_LINUX_DEFAULT='dyndbg="file x +p" quiet'\n`,
      ['dyndbg="file x +p"', "quiet"],
    ],
    [
      "escaped quotes",
      'GRUB_CMDLINE_LINUX_DEFAULT="dyndbg=\\"file x\\" quiet"\n',
      ['dyndbg="file x"', "quiet"],
    ],
    ["both variables", 'export GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX_DEFAULT="b"\n', ["a", "b"]],
    ["the last one counts", "GRUB_CMDLINE_LINUX=a\nGRUB_CMDLINE_LINUX=b\n", ["b"]],
    [
      "itself again",
      'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX ${GRUB_CMDLINE_LINUX} b"\n',
      ["a", "a", "b"],
    ],
    ["appended", 'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX+=" b"\n', ["a", "b"]],
    ["no such variable", "GRUB_TIMEOUT=5\n", []],
    ["a comment", '#GRUB_CMDLINE_LINUX="a"\n', []],
    [
      "our own block",
      'GRUB_CMDLINE_LINUX="a"\n# BEGIN vfio-fleet\nGRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT x"\n# END vfio-fleet\n',
      ["a"],
    ],
  ])("%s", (_, content, expected) => {
    expect(own(content)).toEqual(expected);
  });
  test("drop-ins by name, ours left out", () => {
    expect(
      own('GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n', {
        "50-cloud.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0"\n',
        "90-vfio-fleet.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT iommu=pt"\n',
        "95-more.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT debug"\n',
      }),
    ).toEqual(["console=ttyS0", "debug"]);
  });
  test("/etc/kernel/cmdline without the words that are ours; without the file, what runs", () => {
    const receipts = { "%etc%kernel%cmdline": { token: "t", notes: { words: "iommu=pt" } } };
    const files = { "/etc/kernel/cmdline": file("root=UUID=1 quiet iommu=pt\n# a comment\n") };
    expect(systemdBoot.ownArguments(xeonFacts({ files, receipts }))).toEqual(["root=UUID=1", "quiet"]);
    expect(
      systemdBoot.ownArguments(
        xeonFacts({
          cmdline: `${BLS} vfio_fleet.trial=t panic=30 rd.shell=0 rd.emergency=reboot`,
          files: {},
        }),
      ),
    ).toEqual(["root=UUID=a52b", "ro", "quiet"]);
  });
});

describe("edits", () => {
  const step = (driver: BootloaderDriver, facts: Facts) => {
    const [edit] = driver.edits(["intel_iommu=on", "iommu=pt"]);
    if (!edit) throw new Error("no edit");
    return editStep(facts, edit);
  };
  const cmdline = (text: string, words?: string): Facts =>
    xeonFacts({
      files: { "/etc/kernel/cmdline": { ...file(text), sha256: "now" } },
      receipts:
        words === undefined
          ? {}
          : { "%etc%kernel%cmdline": { token: "t", notes: { words, sha256: "then" } } },
    });
  test("words in /etc/kernel/cmdline: to be added, already so, stale ones to go", () => {
    expect(step(systemdBoot, cmdline("root=UUID=1\n"))).toMatchObject({
      verb: "words",
      inPlace: false,
      input: "intel_iommu=on iommu=pt\n",
      undo: ["unwords", "/etc/kernel/cmdline"],
    });
    expect(
      step(systemdBoot, cmdline("root=UUID=1 iommu=pt intel_iommu=on\n", "intel_iommu=on")).inPlace,
    ).toBe(true);
    expect(
      step(systemdBoot, cmdline("root=UUID=1 iommu=pt intel_iommu=on old=1\n", "intel_iommu=on old=1"))
        .inPlace,
    ).toBe(false);
    expect(step(systemdBoot, cmdline("root=UUID=1\n", "intel_iommu=on")).drift).toMatchObject({
      found: "/etc/kernel/cmdline: root=UUID=1",
    });
  });
  test("a block in /etc/default/grub: to be added, already so, edited by somebody", () => {
    const block = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT intel_iommu=on iommu=pt"';
    const facts = (text: string): Facts =>
      xeonFacts({
        files: { "/etc/default/grub": { ...file(text), sha256: "now" } },
        receipts: { "%etc%default%grub": { token: "t", notes: { sha256: "then" } } },
      });
    expect(step(grubPlain, facts("A=1\n"))).toMatchObject({ verb: "block", inPlace: false, input: block });
    const inPlace = step(grubPlain, facts(`A=2\n# BEGIN vfio-fleet\n${block}\n# END vfio-fleet\n`));
    expect(inPlace).toMatchObject({ inPlace: true });
    expect(inPlace.drift).toBeUndefined();
    expect(step(grubPlain, facts("A=1\n# BEGIN vfio-fleet\nB=1\n# END vfio-fleet\n")).drift).toMatchObject({
      found: "B=1",
      wanted: block,
    });
  });
  test("entries that lack arguments; ours for recovery may", () => {
    const options = ENTRY.replace("quiet", "quiet iommu=pt");
    const facts = xeonFacts({
      files: {
        "/efi/loader/entries/a.conf": file(options),
        "/efi/loader/entries/0-vfio-fleet-recovery.conf": file(ENTRY),
      },
    });
    expect(systemdBoot.lacks(facts, ["iommu=pt"])).toEqual([]);
    expect(systemdBoot.lacks(facts, ["iommu=pt", "intel_iommu=on"])).toEqual(["intel_iommu=on"]);
  });
});

describe("initramfs generators", () => {
  describe("mkinitcpio", () => {
    const written = (): readonly ManagedFile[] =>
      mkinitcpio.files({
        modules: ["vfio", "vfio_virqfd", "vfio_pci"],
        files: ["/etc/vfio-fleet/bind"],
        rivals: [],
      });
    const bash = (lines: string, buildroot = ""): string =>
      execFileSync("bash", ["-euc", lines], {
        encoding: "utf8",
        env: { ...process.env, BUILDROOT: buildroot },
      });

    test.each([
      // its early hooks run in this order
      [
        "busybox",
        "base udev autodetect block filesystems",
        "vfio-fleet base udev autodetect block filesystems",
      ],
      // it has to see what the systemd hook brought
      [
        "systemd",
        "base systemd autodetect sd-vconsole block",
        "base systemd autodetect sd-vconsole block vfio-fleet",
      ],
    ])("%s as init: the hook's place, beside what the host has", (_, hooks, expected) => {
      const conf = written()[0]?.content ?? "";
      const found = bash(
        `MODULES=(ext4) FILES=(/etc/x) HOOKS=(${hooks})\n${conf}\necho "\${MODULES[*]}|\${FILES[*]}|\${HOOKS[*]}"`,
      );
      expect(found).toBe(`ext4 vfio vfio_pci|/etc/x /etc/vfio-fleet/bind|${expected}\n`);
    });

    test("systemd as init: udev's service runs the hook first; the shell comes along where none is", () => {
      const buildroot = mkdtempSync(join(tmpdir(), "vfio-fleet-image-"));
      try {
        const install = written()[1]?.content ?? "";
        const run = (more: string): string =>
          bash(
            `add_runscript() { echo runscript; }; add_binary() { echo "binary $1"; }; add_symlink() { echo "link $1"; }\n${more}\n${install}\nbuild`,
            buildroot,
          );
        expect(run("")).toBe("runscript\n");
        expect(existsSync(join(buildroot, "etc"))).toBe(false);
        expect(run("add_systemd_unit() { :; }")).toBe(
          "runscript\nbinary bash\nlink /usr/bin/sh\nbinary cat\nbinary readlink\nbinary mkdir\n",
        );
        expect(
          readFileSync(join(buildroot, "etc/systemd/system/systemd-udevd.service.d/vfio-fleet.conf"), "utf8"),
        ).toBe("[Service]\nExecStartPre=-/usr/bin/sh -c '. /hooks/vfio-fleet && run_earlyhook'\n");
        expect(written()[2]?.content).toMatch(/^run_earlyhook\(\) \{$/m);
      } finally {
        rmSync(buildroot, { recursive: true });
      }
    });
  });
  test("dracut's files: names that end in .conf, modules forced, the hook in a shell of its own", () => {
    const files = dracut.files({
      modules: ["vfio", "vfio_virqfd", "vfio_pci"],
      files: ["/etc/modprobe.d/vfio.conf", "/etc/vfio-fleet/bind"],
      rivals: [],
    });
    expect(files.map(({ path }) => path)).toEqual([
      "/etc/dracut.conf.d/90-vfio-fleet.conf",
      "/usr/lib/dracut/modules.d/05vfio-fleet/module-setup.sh",
      "/usr/lib/dracut/modules.d/05vfio-fleet/vfio-fleet.sh",
    ]);
    expect(files[0]?.content).toContain('force_drivers+=" vfio vfio_pci "');
    expect(files[0]?.content).toContain('install_items+=" /etc/modprobe.d/vfio.conf /etc/vfio-fleet/bind "');
    expect(files[2]?.content).toMatch(/\n\(\n[^]*\n\)\n$/);
    expect(dracut.effects(files)).toEqual([
      expect.objectContaining({ path: "/var/lib/dracut/hooks/pre-udev/00-vfio-fleet.sh" }),
    ]);
  });
});
