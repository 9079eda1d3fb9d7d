import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startBedFleet, type BedFleet } from "../support/bed/stacks.ts";

/**
 * Hosts and descriptions that `pulumi preview` has to refuse, beside those that need a real host (refusals.test.ts,
 * four.test.ts, main-job.test.ts). Each test checks the message with its remedy, and that no byte on the host
 * changes. With a real SSH connection and the real engine; no QEMU.
 */
let fleet: BedFleet;
let stack: string;
const run = (command: string): string => fleet.host(0).run(command);
/** Everything on the host that a preview could change. */
const everything = (): string =>
  run(
    "find /etc /boot /usr/local /usr/sbin /var /root /run /sys -type f -exec stat -c '%a %u %g %Y %n' {} + | sort -k5;" +
      "find /etc /boot /usr/local /usr/sbin /var /root /run /sys -type f -exec sha256sum {} + | sort -k2",
  );

const EFIVARS = "/sys/firmware/efi/efivars";
const LOADER_INFO = `${EFIVARS}/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f`;
const STUB_INFO = `${EFIVARS}/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f`;
const CMDLINE = "/proc/cmdline";
const put = (path: string, content: string | Uint8Array): void => {
  const at = join(fleet.host(0).root, path);
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, content);
};
/** A variable as firmware stores it: four bytes of attributes, then zero-terminated UTF-16. */
const loader = (name: string): void =>
  put(LOADER_INFO, Buffer.concat([Buffer.from([6, 0, 0, 0]), Buffer.from(`${name}\0`, "utf16le")]));
const gpu = { address: "0000:01:00.0", ids: ["10de:1c81", "10de:0fb9"] };
const own = (argument: string): void =>
  put("/etc/default/grub.d/50-own.cfg", `GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX ${argument}"\n`);

beforeAll(async () => {
  fleet = await startBedFleet(1, "test-refused");
  stack = fleet.names[0] ?? "";
  await fleet.pulumi("stack", "init", "--stack", stack);
  run("tar cf /root/host.tar -C / etc boot sys proc usr/sbin");
});
afterEach(() => {
  run("rm -rf /etc /boot /sys /proc /efi && tar xf /root/host.tar -C /");
  fleet.describe(0);
});
afterAll(() => fleet?.stop());

const HOSTS: readonly (readonly [string, () => void, RegExp])[] = [
  [
    "rEFInd",
    () => {
      put(CMDLINE, "initrd=boot\\initrd.img root=UUID=bed ro\n");
      put("/boot/refind_linux.conf", '"Boot" "root=UUID=bed ro"\n');
      mkdirSync(join(fleet.host(0).root, EFIVARS), { recursive: true });
    },
    /booted by rEFInd, [^]*first line of \/boot\/refind_linux\.conf: "Boot with GPU passthrough" "root=UUID=bed ro intel_iommu=on iommu=pt"/,
  ],
  [
    "Limine",
    () => {
      put(CMDLINE, "root=UUID=bed ro\n");
      put("/boot/limine.conf", "/Debian\n");
      loader("Limine 9.3.0");
    },
    /booted by Limine, [^]*\/boot\/limine\.conf, in the entry that boots: cmdline: root=UUID=bed ro intel_iommu=on iommu=pt/,
  ],
  [
    "a unified kernel image",
    () => {
      put(CMDLINE, "root=UUID=bed ro\n");
      loader("systemd-boot 257.8");
      put(STUB_INFO, "stub");
    },
    /booted by a unified kernel image, [^]*"intel_iommu=on iommu=pt" at the end of the line in \/etc\/kernel\/cmdline/,
  ],
  [
    "the firmware itself",
    () => {
      put(CMDLINE, "initrd=\\initramfs.img root=UUID=bed\n");
      mkdirSync(join(fleet.host(0).root, EFIVARS), { recursive: true });
    },
    /booted by the firmware itself \(EFI stub\), [^]*efibootmgr --create .*intel_iommu=on iommu=pt/,
  ],
  [
    "systemd-boot with an entry of another tool",
    () => {
      put(CMDLINE, "initrd=\\initramfs-linux.img root=UUID=bed\n");
      loader("systemd-boot 257.8");
      put("/boot/loader/entries/own.conf", "title Own\nlinux /vmlinuz\noptions root=UUID=bed\n");
    },
    /was not made by kernel-install[^]*"options" of \/boot\/loader\/entries\/own\.conf: intel_iommu=on iommu=pt/,
  ],
  [
    "Proxmox with a command line that its tool rejects",
    () => {
      put(CMDLINE, "initrd=\\EFI\\proxmox\\initrd root=ZFS=rpool\n");
      loader("systemd-boot 252.1");
      put("/etc/kernel/proxmox-boot-uuids", "1FDB-C48E\n");
      put("/etc/kernel/cmdline", "quiet\n");
    },
    /\/etc\/kernel\/cmdline: its first line has no root=[^]*arguments of \/proc\/cmdline/,
  ],
  [
    "GRUB that cannot clear its one-time entry",
    () => put("/proc/self/mountinfo", "24 1 253:0 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw\n"),
    /GRUB cannot write its environment block on \/dev\/mapper\/vg-root[^]*give \/boot an ext4 or xfs partition/,
  ],
  [
    "no initramfs generator",
    () => run("rm /usr/sbin/mkinitramfs"),
    /initramfs: none that is known is in use on this host[^]*supported are: dracut, initramfs-tools, mkinitcpio/,
  ],
  [
    "another distribution",
    () => put("/etc/os-release", 'ID=slackware\nPRETTY_NAME="Slackware 15.0"\n'),
    /distribution: none that is known is in use on this host \(Slackware 15\.0\)[^]*debian/,
  ],
  [
    "a kernel without VFIO",
    () => put("/proc/sys/kernel/osrelease", "3.16.0-4-amd64\n"),
    /Linux 3\.16\.0-4-amd64, VFIO passthrough needs 4\.1 or newer/,
  ],
  [
    "an IOMMU that the host's own configuration disables",
    () => own("iommu=off"),
    /configuration says iommu=off, wanted is iommu=pt[^]*\/etc\/default\/grub/,
  ],
  [
    "a group that an update of the kernel enlarged",
    () =>
      run(
        "mv /sys/kernel/iommu_groups/15/devices/0000:05:00.0 /sys/kernel/iommu_groups/13/devices/ && ln -sfn /sys/kernel/iommu_groups/13 /sys/devices/pci0000:00/0000:05:00.0/iommu_group",
      ),
    /IOMMU group 13 also holds 0000:05:00\.0 \(8086:1533, driver igb\)/,
  ],
  [
    "a setting of qemu.conf that was made by hand",
    () => put("/etc/libvirt/qemu.conf", 'cgroup_device_acl = [ "/dev/null" ]\n'),
    /cgroup_device_acl is set by hand[^]*comment that line out/,
  ],
];

const STACKS: readonly (readonly [string, object, RegExp])[] = [
  [
    "a card with other ids",
    { cards: { gpu: { ...gpu, subsystem: "10de:11b4" } } },
    /subsystem is 1043:85d8, expected 10de:11b4/,
  ],
  [
    "a function that is left out",
    { cards: { gpu: { ...gpu, ids: ["10de:1c81"] } } },
    /the ids lack 10de:0fb9: 0000:01:00\.1 shares IOMMU group 13 with the card[^]*ids: \[\\?"10de:1c81/,
  ],
  ["one card under two names", { cards: { gpu, other: gpu } }, /is the card that gpu names already/],
  [
    "virtual functions of a card without SR-IOV",
    { kernel: { virtualFunctions: [{ of: "0000:05:00.0", count: 2 }] } },
    /0000:05:00\.0 \(8086:1533\) has no virtual functions[^]*SR-IOV may be off/,
  ],
  [
    "a value that a module's parameter does not take",
    { kernel: { moduleOptions: { kvm: { ignore_msrs: 7 } } } },
    /ignore_msrs: 7 is no value for it[^]*modinfo says: bool/,
  ],
  [
    "a kernel argument with shell syntax",
    { kernel: { arguments: ["quiet $(reboot)"] } },
    /kernel\.arguments\.0: only letters, digits/,
  ],
];

const expectRefused = async (message: RegExp): Promise<void> => {
  const before = everything();
  const { code, output } = await fleet.pulumi("preview", "--stack", stack);
  expect(output).toMatch(message);
  expect(output).not.toMatch(/at .*\.ts:\d+/);
  expect(code).not.toBe(0);
  expect(everything()).toBe(before);
};

test("the unchanged host is accepted, so each refusal below has a single cause", async () => {
  const before = everything();
  const { code, output } = await fleet.pulumi("preview", "--stack", stack);
  expect(code, output).toBe(0);
  expect(everything()).toBe(before);
});

test.each(HOSTS)("%s", async (_, change, message) => {
  change();
  await expectRefused(message);
});

test.each(STACKS)("%s", async (_, settings, message) => {
  fleet.describe(0, { ...settings });
  await expectRefused(message);
});
