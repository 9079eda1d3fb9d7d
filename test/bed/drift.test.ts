import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBedFleet, type BedFleet } from "../support/bed/stacks.ts";

/**
 * Any change that somebody makes on a host after an `up`: `pulumi preview` names it, and `pulumi up` repairs it. With
 * a real SSH connection and the real engine; no QEMU.
 */
let fleet: BedFleet;
let stack: string;
const run = (command: string): string => fleet.host(0).run(command);
const pulumi = (...args: readonly string[]) => fleet.pulumi(...args, "--stack", stack);
/** Files with their modes and owners, without images, which contain the time of their build. */
const files = (): string =>
  run(
    "find /etc /boot /usr/local/lib -type f ! -name 'initrd*' -exec stat -c '%a %U %n' {} + | sort -k3;" +
      "find /etc /boot /usr/local/lib -type f ! -name 'initrd*' -exec sha256sum {} + | sort -k2",
  );
const reboots = (): number => Number(run("wc -l </var/log/reboots"));

const AUDIO = "/sys/devices/pci0000:00/0000:01:00.1";
const APT = `#!/bin/sh
case " $* " in *" install "*) sed -i 's/^Package: other/Package: ovmf/' /var/lib/dpkg/status ;; esac`;

interface Change {
  readonly what: string;
  /** The change, as a command on the host. */
  readonly command: string;
  /** The expected line of the preview. */
  readonly shown: RegExp;
}
const change = (what: string, command: string, shown: RegExp): Change => ({ what, command, shown });

beforeAll(async () => {
  fleet = await startBedFleet(1, "test-drift");
  stack = fleet.names[0] ?? "";
  run(`cat >/usr/sbin/apt-get <<'END'\n${APT}\nEND`);
  await pulumi("stack", "init");
});
afterAll(() => fleet?.stop());

test("the first up succeeds", async () => {
  const up = await pulumi("up", "--yes", "--skip-preview");
  expect(up.code, up.output).toBe(0);
});

const ROUNDS = [
  {
    title: "what is repaired at once",
    reboots: 0,
    changes: [
      change(
        "a file was edited",
        "echo x >>/etc/modprobe.d/vfio.conf",
        /differs: \/etc\/modprobe\.d\/vfio\.conf\n.*on the host[^]*^\s*-x$/m,
      ),
      change("a file is gone", "rm /etc/vfio-fleet/bind", /\/etc\/vfio-fleet\/bind is gone/),
      change(
        "a file that root runs became writable for others",
        "chmod 777 /etc/grub.d/42_vfio-fleet",
        /42_vfio-fleet: mode 777, owner root \(wanted: mode 755, owner root\)/,
      ),
      change(
        "the arguments' file was emptied",
        ": >/etc/default/grub.d/90-vfio-fleet.cfg",
        /differs: \/etc\/default\/grub\.d\/90-vfio-fleet\.cfg\n[^]*\+GRUB_CMDLINE_LINUX_DEFAULT=/,
      ),
      change(
        "the block in qemu.conf was edited",
        "sed -i '/OVMF_CODE_4M.fd/d' /etc/libvirt/qemu.conf",
        /differs: \/etc\/libvirt\/qemu\.conf\n[^]*\+.*OVMF_CODE_4M\.fd:/,
      ),
      change(
        "the hook that keeps cards apart was switched off",
        "chmod 644 /etc/libvirt/hooks/qemu.d/vfio-fleet",
        /qemu\.d\/vfio-fleet: mode 644/,
      ),
      change(
        "a package was removed",
        "sed -i 's/^Package: ovmf/Package: other/' /var/lib/dpkg/status",
        /not installed: ovmf/,
      ),
      change("libvirtd does not listen", "rm /run/libvirt/libvirt-sock", /libvirtd does not listen/),
      change(
        "the boot menu was written without an argument",
        "sed -i 's/ iommu=pt//' /boot/grub/grub.cfg",
        /boot menu: an entry lacks iommu=pt/,
      ),
      change(
        "the initramfs was built by somebody",
        "touch -d 2020-01-01 /boot/initrd.img-6.1.0-37-amd64",
        /initramfs: rebuilt by somebody since it was proved/,
      ),
      change(
        "an update of the kernel regrouped devices",
        `mkdir -p /sys/kernel/iommu_groups/17/devices && mv /sys/kernel/iommu_groups/13/devices/0000:01:00.1 /sys/kernel/iommu_groups/17/devices/ && ln -sfn /sys/kernel/iommu_groups/17 ${AUDIO}/iommu_group`,
        /0000:01:00\.1: its IOMMU group holds 0000:01:00\.1 on Linux .* it held 0000:01:00\.0, 0000:01:00\.1/,
      ),
    ],
  },
  {
    title: "what only a reboot brings back",
    reboots: 1,
    changes: [
      change(
        "the host was booted without an argument",
        "sed -i 's/ iommu=pt//' /proc/cmdline",
        /kernel command line: lacks iommu=pt/,
      ),
      change(
        "a function has its host driver back",
        `rm /sys/bus/pci/drivers/vfio-pci/0000:01:00.1 ${AUDIO}/driver && ln -s ${AUDIO} /sys/bus/pci/drivers/snd_hda_intel/0000:01:00.1 && ln -s /sys/bus/pci/drivers/snd_hda_intel ${AUDIO}/driver`,
        /0000:01:00\.1: driver is snd_hda_intel/,
      ),
      change(
        "a module's parameter was set back",
        "echo N >/sys/module/kvm/parameters/ignore_msrs",
        /module kvm: ignore_msrs is N/,
      ),
    ],
  },
] as const satisfies readonly { title: string; reboots: number; changes: readonly Change[] }[];

describe.each(ROUNDS.map((round) => [round.title, round] as const))("%s", (_, round) => {
  let before: string;
  let rebooted: number;
  let preview: { readonly code: number; readonly output: string };
  beforeAll(async () => {
    before = files();
    rebooted = reboots();
    for (const { command } of round.changes) run(command);
    preview = await pulumi("preview", "--diff");
  });

  test.each(round.changes.map(({ what, shown }) => [what, shown] as const))("%s", (_, shown) => {
    expect(preview.output).toMatch(shown);
    expect(preview.code).toBe(0);
  });

  test("up repairs every change, and the next preview is clean", async () => {
    const up = await pulumi("up", "--yes", "--skip-preview");
    expect(up.code, up.output).toBe(0);
    expect(files()).toBe(before);
    expect(reboots()).toBe(rebooted + round.reboots);
    expect(run("cat /proc/cmdline /sys/module/kvm/parameters/ignore_msrs")).toMatch(/ iommu=pt[^]*Y/);
    expect(run(`readlink ${AUDIO}/driver`)).toMatch(/\/vfio-pci$/);
    expect(run("dpkg-query -W -f '${db:Status-Status}' ovmf")).toBe("installed");
    expect(run("test -S /run/libvirt/libvirt-sock && echo listens")).toBe("listens");
    const clean = await pulumi("preview", "--expect-no-changes");
    expect(clean.code, clean.output).toBe(0);
  });
});

test("module options that the stack drops are removed in the same reboot, and the old file is restored", async () => {
  // One reboot is enough, because the file is restored before it.
  const rebooted = reboots();
  fleet.describe(0, { kernel: { moduleOptions: {} } });
  const up = await pulumi("up", "--yes", "--skip-preview");
  expect(up.code, up.output).toBe(0);
  expect(reboots()).toBe(rebooted + 1);
  expect(run("cat /sys/module/kvm/parameters/ignore_msrs; ls /etc/modprobe.d")).toBe(
    "N\nfbdev-blacklist.conf\nvfio.conf",
  );
  expect(run("tar tf /boot/initrd.img-6.1.0-37-amd64 | grep kvm || echo none")).toBe("none");
  const clean = await pulumi("preview", "--expect-no-changes");
  expect(clean.code, clean.output).toBe(0);
});
