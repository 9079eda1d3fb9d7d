import { afterEach, describe, expect, test } from "vitest";
import type { BootloaderDriver } from "../../../components/plan/driver.ts";
import { proxmoxGrub, proxmoxSystemdBoot } from "../../../components/drivers/bootloader/proxmox/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";
import { recordedHost, toolOf } from "../support/recorded-hosts.ts";

const VERSION = "6.8.12-9-pve";
const ESPS = ["1FDB-C48E", "9BB0-3E21"] as const;
const entry =
  recordedHost("bootloader", "proxmox/zfs-uefi").root[
    `/dev/disk/by-uuid/${ESPS[0]}/loader/entries/proxmox-${VERSION}.conf`
  ] ?? "";
const ONESHOT = "/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

let host: FakeAgent;
afterEach(() => host.remove());

/** A mirror of two disks, each with a boot partition that is mounted only while it is written to. */
const start = (shell: Shell, bootloader: BootloaderDriver): void => {
  host = new FakeAgent({ bootloader, initramfs: initramfsTools, distro: debian }, shell);
  host.tool("uname", `echo ${VERSION}`);
  host.file("/etc/kernel/proxmox-boot-uuids", ESPS.join("\n"));
  host.file(`/boot/initrd.img-${VERSION}`, "image");
  host.file(`/boot/vfio-fleet-trial.img-${VERSION}`, "trial image");
  host.folder(`/lib/modules/${VERSION}`);
  host.folder("/sys/firmware/efi/efivars");
  for (const esp of ESPS) host.folder(`/dev/disk/by-uuid/${esp}`);
  host.tool("mount", 'rmdir "$4" && ln -s "$3" "$4"');
  host.tool("umount", 'rm "$1" && mkdir "$1"');
  host.tool("grub-editenv", toolOf(recordedHost("bootloader", "grub/debian-13"), "grub-editenv"));
  host.tool(
    "bootctl",
    `[ "$1" = set-oneshot ] || exit 1
if [ -n "$2" ]; then printf '\\007\\000\\000\\000%s' "$2" >"$ROOT${ONESHOT}"; else rm "$ROOT${ONESHOT}"; fi`,
  );
};
const onEach = (path: string): (string | undefined)[] =>
  ESPS.map((esp) => host.read(`/dev/disk/by-uuid/${esp}${path}`));
const mounted = (): boolean =>
  host.calls("mount", "umount").reduce((open, call) => open + (call.startsWith("mount") ? 1 : -1), 0) !== 0;

describe.each(SHELLS)("proxmox-boot-tool with systemd-boot, with %s", (shell) => {
  const prepare = (): void => {
    start(shell, proxmoxSystemdBoot);
    for (const esp of ESPS) {
      host.file(`/dev/disk/by-uuid/${esp}/loader/entries/proxmox-${VERSION}.conf`, entry, { exact: true });
      host.file(`/dev/disk/by-uuid/${esp}/EFI/proxmox/${VERSION}/initrd.img-${VERSION}`, "image");
    }
    host.file("/var/lib/vfio-fleet/boot/wanted", "argument iommu=pt");
  };

  test("the newest kernel is the one to be proved, unless one is pinned", () => {
    prepare();
    for (const esp of ESPS)
      host.file(
        `/dev/disk/by-uuid/${esp}/loader/entries/proxmox-6.8.12-10-pve.conf`,
        entry.replaceAll(VERSION, "6.8.12-10-pve"),
      );
    expect(host.call("bootloader_version").output).toBe("6.8.12-10-pve\n");
    host.file("/etc/kernel/proxmox-boot-pin", VERSION);
    expect(host.call("bootloader_version").output).toBe(`${VERSION}\n`);
  });

  test("the trial lies on every boot partition, so that either disk can boot it; undone everywhere", () => {
    prepare();
    const armed = host.call(
      `bootloader_arm ${VERSION} /boot/vfio-fleet-trial.img-${VERSION} t1 '' 'iommu=pt'`,
    );
    expect(armed).toMatchObject({ status: 0, errors: "" });
    for (const text of onEach("/loader/entries/0-vfio-fleet-trial.conf"))
      expect(text).toBe(`title      vfio-fleet trial boot
version  ${VERSION}
linux    /EFI/proxmox/${VERSION}/vmlinuz-${VERSION}
initrd     /vfio-fleet/trial.img
options    root=ZFS=rpool/ROOT/pve-1 boot=zfs iommu=pt vfio_fleet.trial=t1 panic=30 rd.shell=0 rd.emergency=reboot
`);
    expect(onEach("/vfio-fleet/trial.img")).toEqual(["trial image\n", "trial image\n"]);
    expect(host.read(ONESHOT)).toContain("0-vfio-fleet-trial.conf");
    expect(mounted()).toBe(false);
    host.call("bootloader_disarm");
    expect(onEach("/loader/entries/0-vfio-fleet-trial.conf")).toEqual([undefined, undefined]);
    expect(onEach("/vfio-fleet/trial.img")).toEqual([undefined, undefined]);
    expect(host.read(ONESHOT)).toBeUndefined();
    expect(mounted()).toBe(false);
  });

  test("a disk that is missing is left out; without any there is nothing to boot from", () => {
    prepare();
    host.file("/etc/kernel/proxmox-boot-uuids", `AAAA-0000\n${ESPS[0]}`);
    const lacking = host.call('bootloader_lacks "$BOOT/wanted"');
    expect(lacking.output).toContain("iommu=pt\n");
    expect(lacking.errors).toContain("AAAA-0000 is not there");
    host.file("/etc/kernel/proxmox-boot-uuids", "AAAA-0000");
    const none = host.call('bootloader_lacks "$BOOT/wanted"');
    expect(none.status).not.toBe(0);
    expect(none.errors).toContain("none of the boot partitions");
  });

  test("a failure while a partition is mounted leaves none mounted", () => {
    prepare();
    const armed = host.call("bootloader_arm 9.9.9-pve /boot/vfio-fleet-trial.img-x t1 '' 'iommu=pt'");
    expect(armed.status).not.toBe(0);
    expect(armed.errors).toContain("no boot entry for kernel 9.9.9-pve");
    expect(mounted()).toBe(false);
  });

  test("commit: refresh, with the trial behind it for a power cut; then recovery entries", () => {
    prepare();
    host.tool(
      "proxmox-boot-tool",
      `for esp in ${ESPS.join(" ")}; do sed -i 's/boot=zfs$/& iommu=pt/' "$ROOT/dev/disk/by-uuid/$esp/loader/entries/proxmox-${VERSION}.conf"; done`,
    );
    host.call(`bootloader_arm ${VERSION} /boot/vfio-fleet-trial.img-${VERSION} t1 '' 'iommu=pt'`);
    host.calls();
    const done = host.call('bootloader_commit && bootloader_lacks "$BOOT/wanted" && bootloader_recovery');
    expect(done).toMatchObject({ status: 0, errors: "" });
    expect(host.calls("bootctl", "proxmox-boot-tool")).toEqual([
      "bootctl set-oneshot 0-vfio-fleet-trial.conf",
      "proxmox-boot-tool refresh",
    ]);
    for (const text of onEach("/loader/entries/0-vfio-fleet-recovery.conf"))
      expect(text).toContain(
        "options    root=ZFS=rpool/ROOT/pve-1 boot=zfs vfio_fleet=off module_blacklist=vfio_pci\n",
      );
    host.call("bootloader_forget");
    expect(onEach("/loader/entries/0-vfio-fleet-recovery.conf")).toEqual([undefined, undefined]);
  });
});

describe.each(SHELLS)("proxmox-boot-tool with GRUB, with %s", (shell) => {
  const menu = (recordedHost("bootloader", "grub/debian-12").root["/boot/grub/grub.cfg"] ?? "")
    .replaceAll("6.1.0-38-amd64", VERSION)
    .replaceAll("/boot/", "/");
  const prepare = (): void => {
    start(shell, proxmoxGrub);
    for (const esp of ESPS) {
      host.file(`/dev/disk/by-uuid/${esp}/grub/grub.cfg`, menu);
      host.file(`/dev/disk/by-uuid/${esp}/grub/grubenv`, "# GRUB Environment Block");
      host.file(`/dev/disk/by-uuid/${esp}/initrd.img-${VERSION}`, "image");
    }
    host.file("/var/lib/vfio-fleet/boot/wanted", "argument quiet");
  };

  test("menu, image and environment block are those of every boot partition", () => {
    prepare();
    expect(host.call("bootloader_version").output).toBe(`${VERSION}\n`);
    const armed = host.call(
      `bootloader_arm ${VERSION} /boot/vfio-fleet-trial.img-${VERSION} t1 '' 'iommu=pt'`,
    );
    expect(armed).toMatchObject({ status: 0, errors: "" });
    expect(onEach(`/vfio-fleet-trial.img-${VERSION}`)).toEqual(["trial image\n", "trial image\n"]);
    for (const text of onEach("/grub/custom.cfg")) {
      expect(text).toContain(
        `\tlinux /vmlinuz-${VERSION} root=UUID=a52b ro quiet iommu=pt vfio_fleet.trial=t1 panic=30 rd.shell=0 rd.emergency=reboot\n`,
      );
      expect(text).toContain(`\tinitrd /intel-ucode.img /vfio-fleet-trial.img-${VERSION}\n`);
    }
    for (const text of onEach("/grub/grubenv")) expect(text).toContain("next_entry=vfio-fleet-trial");
    expect(host.read("/boot/grub/custom.cfg")).toBeUndefined();
    host.call("bootloader_disarm");
    expect(onEach("/grub/custom.cfg")).toEqual([undefined, undefined]);
    expect(onEach(`/vfio-fleet-trial.img-${VERSION}`)).toEqual([undefined, undefined]);
    expect(mounted()).toBe(false);
  });

  test("an image on the partition that is not the one that was built", () => {
    prepare();
    expect(host.call('bootloader_lacks "$BOOT/wanted"')).toMatchObject({ status: 0, output: "" });
    host.file(`/boot/initrd.img-${VERSION}`, "newer");
    expect(host.call('bootloader_lacks "$BOOT/wanted"').output).toContain(
      `initrd.img-${VERSION} on the boot partition`,
    );
  });

  test("a refresh that fails is shown", () => {
    prepare();
    host.tool("proxmox-boot-tool", "echo 'E: no space'; exit 1");
    const failed = host.call("bootloader_commit");
    expect(failed.status).not.toBe(0);
    expect(failed.output).toContain("E: no space");
  });
});
