import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { grubArguments } from "../../../components/drivers/bootloader/grub/driver.ts";
import { bootloaders } from "../../../components/drivers/bootloader/registry.ts";
import type { BootloaderDriver } from "../../../components/plan/driver.ts";
import { editStep } from "../../../components/plan/edit.ts";
import type { Facts, HostFile } from "../../../components/facts/facts.ts";
import type { ManagedFile } from "../../../components/plan/step.ts";
import { distros } from "../../../components/drivers/distro/registry.ts";
import { initramfsGenerators } from "../../../components/drivers/initramfs/registry.ts";
import { address, xeonFacts } from "../../fixtures/xeon.ts";

const STUB = "/sys/firmware/efi/efivars/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
const fixture = (name: string): string =>
  readFileSync(new URL(`../../fixtures/bootloader/${name}`, import.meta.url), "utf8");
const file = (content: string): HostFile => ({
  mode: "644",
  owner: "root",
  group: "root",
  content,
  sha256: "",
});
const found = (facts: Facts): BootloaderDriver | undefined =>
  Object.values<BootloaderDriver>(bootloaders).find((driver) => driver.detect(facts));

const BLS = "initrd=\\4f5c1e0d\\6.12.48+deb13-amd64\\initrd.img root=UUID=a52b ro quiet";
/** A host by what booted it; `files` replaces what it has. */
const booted = (
  cmdline: string,
  loaderInfo: string | null,
  more: {
    readonly files?: Facts["files"];
    readonly exists?: string[];
    readonly boot?: Partial<Facts["boot"]>;
  } = {},
): Facts => {
  const facts = xeonFacts();
  return {
    ...facts,
    kernel: "6.12.48+deb13-amd64",
    cmdline,
    files: more.files ?? facts.files,
    exists: [...facts.exists, ...(more.exists ?? [])],
    boot: {
      ...facts.boot,
      loaderInfo,
      present: [...facts.boot.present, "/usr/bin/kernel-install", "/efi/loader/entries", "/boot/limine.conf"],
      ...more.boot,
    },
  };
};
const grubLine = "BOOT_IMAGE=/boot/vmlinuz-6.1.0-37-amd64 root=UUID=a52b ro quiet";
const entries = { "/efi/loader/entries/4f5c-6.12.48.conf": file(fixture("debian-13-entry.conf")) };
const esps = { "/etc/kernel/proxmox-boot-uuids": file("1FDB-C48E\n9BB0-3E21\n") };

describe("the boot loader is the one that booted, whatever else lies around", () => {
  test.each([
    ["grub", booted(grubLine, null)],
    ["grub", booted(grubLine, "GRUB 2.12-9", { exists: ["/boot/limine.conf"], files: { ...entries } })],
    ["grub-without-drop-ins", booted(grubLine, null, { boot: { grubDropIns: false } })],
    ["systemd-boot", booted(BLS, "systemd-boot 257.8-1~deb13u2", { files: entries })],
    ["a unified kernel image", booted("root=UUID=a52b", "systemd-boot 257.8", { exists: [STUB] })],
    [
      "proxmox-systemd-boot",
      booted("initrd=\\EFI\\proxmox\\x root=ZFS=rpool", "systemd-boot 252", { files: esps }),
    ],
    ["proxmox-grub", booted("BOOT_IMAGE=/vmlinuz-6.8.12-9-pve root=ZFS=rpool", null, { files: esps })],
    [
      "rEFInd",
      booted("initrd=boot\\initrd.img root=UUID=1", null, { files: { "/boot/refind_linux.conf": file("") } }),
    ],
    ["Limine", booted("root=UUID=1 rw", "Limine 9.3.0")],
    ["Limine", booted("root=UUID=1 rw", null, { exists: ["/boot/limine.conf"] })],
    ["the firmware itself (EFI stub)", booted("initrd=\\initramfs.img root=UUID=1", null)],
  ])("%s", (name, facts) => {
    expect(found(facts)?.name).toBe(name);
  });

  test.each([
    [
      "rEFInd",
      booted("initrd=boot\\initrd.img root=UUID=1 rw", null, {
        files: { "/boot/refind_linux.conf": file("") },
      }),
      '"Boot with GPU passthrough" "root=UUID=1 rw iommu=pt"',
    ],
    [
      "Limine",
      booted("root=UUID=1 rw", "Limine 9.3.0", { exists: ["/boot/limine.conf"] }),
      "/boot/limine.conf, in the entry that boots: cmdline: root=UUID=1 rw iommu=pt",
    ],
    [
      "a unified kernel image",
      booted("root=UUID=1", "systemd-boot 257", { exists: [STUB] }),
      '"iommu=pt" at the end of the line in /etc/kernel/cmdline',
    ],
    [
      "systemd-boot",
      booted(BLS, "systemd-boot 257", {
        files: {
          "/boot/loader/entries/arch.conf": file("title Arch\nlinux /vmlinuz-linux\noptions root=UUID=1\n"),
        },
      }),
      '"options" of /boot/loader/entries/arch.conf: iommu=pt',
    ],
  ])("%s: refused with the line to write", (name, facts, line) => {
    const driver = found(facts);
    expect(driver?.name).toBe(name);
    const [problem] = driver?.refuse(facts, ["iommu=pt"]) ?? [];
    expect(problem?.remedy).toContain(line);
    expect(driver?.scripts.length === 0 || name === "systemd-boot").toBe(true);
  });

  test("GRUB that cannot clear its own choice is refused: LVM, RAID, other file systems", () => {
    const lvm = booted(grubLine, null, { boot: { bootDevice: "/dev/mapper/pve-root" } });
    const esp = { address: address("00:1f.2"), what: "/boot/efi" };
    expect(bootloaders.grub.refuse({ ...lvm, carriers: [esp] }, [])).toEqual([]);
    for (const boot of [
      { bootDevice: "/dev/mapper/pve-root" },
      { bootDevice: "/dev/md0" },
      { bootFilesystem: "btrfs" },
    ])
      expect(bootloaders.grub.refuse(booted(grubLine, null, { boot }), [])).toHaveLength(1);
    expect(
      bootloaders.grub.refuse(booted(grubLine, null, { boot: { bootDevice: "/dev/nvme0n1p2" } }), []),
    ).toEqual([]);
  });
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
    expect(bootloaders.systemdBoot.ownArguments(xeonFacts({ files, receipts }))).toEqual([
      "root=UUID=1",
      "quiet",
    ]);
    expect(
      bootloaders.systemdBoot.ownArguments(
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
    const { systemdBoot } = bootloaders;
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
    const { grubPlain } = bootloaders;
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
    const options = fixture("debian-13-entry.conf").replace("quiet", "quiet iommu=pt");
    const facts = xeonFacts({
      files: {
        "/efi/loader/entries/a.conf": file(options),
        "/efi/loader/entries/0-vfio-fleet-recovery.conf": entries["/efi/loader/entries/4f5c-6.12.48.conf"],
      },
    });
    expect(bootloaders.systemdBoot.lacks(facts, ["iommu=pt"])).toEqual([]);
    expect(bootloaders.systemdBoot.lacks(facts, ["iommu=pt", "intel_iommu=on"])).toEqual(["intel_iommu=on"]);
  });
});

describe("initramfs generators and distributions", () => {
  const tools = (names: string[], packages: Facts["packages"] = {}): string | undefined => {
    const facts = xeonFacts({
      packages,
      initramfs: { tools: names.map((name) => `/usr/sbin/${name}`), images: [] },
    });
    return Object.entries(initramfsGenerators).find(([, driver]) => driver.detect(facts))?.[0];
  };
  test("the generator whose package is installed, whatever the other left behind", () => {
    expect(tools(["update-initramfs", "mkinitramfs"])).toBe("initramfs-tools");
    expect(tools(["dracut"])).toBe("dracut");
    // Ubuntu 25.10: dracut brings an update-initramfs, and initramfs-tools-core may linger
    expect(tools(["update-initramfs", "mkinitramfs", "dracut"], { dracut: "108" })).toBe("dracut");
    expect(tools(["update-initramfs", "mkinitramfs", "dracut"], { dracut: null })).toBe("initramfs-tools");
    expect(tools([])).toBeUndefined();
  });
  test("distributions by what they are made from; Proxmox is Debian with packages of its own", () => {
    const name = (facts: Facts): string | undefined =>
      Object.values(distros).find((driver) => driver.detect(facts))?.name;
    expect(name(xeonFacts())).toBe("debian");
    expect(name(xeonFacts({ packages: { "pve-manager": "8.4.1" } }))).toBe("proxmox");
    expect(
      name(xeonFacts({ distro: { id: "ubuntu", version: "24.04", like: ["debian"], name: "Ubuntu" } })),
    ).toBe("ubuntu");
    expect(distros.proxmox.packages).not.toContain("qemu-system-x86");
    expect(
      name(xeonFacts({ distro: { id: "endeavouros", version: "", like: ["arch"], name: "EndeavourOS" } })),
    ).toBe("arch");
  });
  describe("mkinitcpio", () => {
    const written = (): readonly ManagedFile[] =>
      initramfsGenerators.mkinitcpio.files({
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
      expect(tools(["mkinitcpio"])).toBe("mkinitcpio");
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
    const files = initramfsGenerators.dracut.files({
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
    expect(initramfsGenerators.dracut.effects(files)).toEqual([
      expect.objectContaining({ path: "/var/lib/dracut/hooks/pre-udev/00-vfio-fleet.sh" }),
    ]);
  });
});
