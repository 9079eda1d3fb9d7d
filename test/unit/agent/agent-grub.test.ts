import { spawnSync } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import { grub } from "../../../components/drivers/bootloader/grub/driver.ts";
import { grubRecovery } from "../../../components/drivers/bootloader/grub/recovery.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";
import { recordedHost, toolOf } from "../support/recorded-hosts.ts";

const menu = recordedHost("bootloader", "grub/debian-12").root["/boot/grub/grub.cfg"] ?? "";
const drivers = { bootloader: grub, initramfs: initramfsTools, distro: debian };

let host: FakeAgent;
afterEach(() => host.remove());

const start = (shell: Shell, cfg = menu): void => {
  host = new FakeAgent(drivers, shell);
  host.file("/boot/grub/grub.cfg", cfg);
  host.file("/boot/grub/grubenv", "# GRUB Environment Block");
  for (const version of ["6.1.0-37-amd64", "6.1.0-38-amd64"]) {
    host.file(`/boot/initrd.img-${version}`, "image");
    host.folder(`/lib/modules/${version}`);
  }
  host.tool("grub-editenv", toolOf(recordedHost("bootloader", "grub/debian-13"), "grub-editenv"));
};
const withDefault = (value: string): string => menu.replace('set default="0"', `set default="${value}"`);

describe.each(SHELLS)("GRUB's menu, read by %s", (shell) => {
  test("the kernel of the entry that an ordinary boot takes is the one to be proved", () => {
    start(shell, withDefault("1>2"));
    expect(host.call("bootloader_version")).toEqual({ status: 0, output: "6.1.0-37-amd64\n", errors: "" });
  });

  test("the trial is that entry with the new arguments, the trial image and the mark, and chosen once", () => {
    start(shell, withDefault("1>0"));
    host.file("/boot/grub/custom.cfg", "# mine");
    const armed = host.call(
      "bootloader_arm 6.1.0-38-amd64 /boot/vfio-fleet-trial.img-6.1.0-38-amd64 2026-01-02T03:04:05.000Z 'quiet' 'intel_iommu=on ro iommu=pt'",
    );
    expect(armed.errors).toBe("");
    expect(host.read("/boot/grub/custom.cfg")).toBe(`# mine
# BEGIN vfio-fleet
menuentry "vfio-fleet trial boot" --class gnu-linux --id vfio-fleet-trial {
\t\tload_video
\t\tsearch --no-floppy --fs-uuid --set=root a52b
\tlinux /boot/vmlinuz-6.1.0-38-amd64 root=UUID=a52b ro intel_iommu=on iommu=pt vfio_fleet.trial=2026-01-02T030405.000Z panic=30 rd.shell=0 rd.emergency=reboot
\tinitrd /boot/intel-ucode.img /boot/vfio-fleet-trial.img-6.1.0-38-amd64
}
# END vfio-fleet
`);
    expect(host.read("/boot/grub/grubenv")).toContain("next_entry=vfio-fleet-trial\n");
    expect(host.read("/boot/grub/grub.cfg")).toBe(`${withDefault("1>0")}\n`);
    expect(host.call("bootloader_disarm").status).toBe(0);
    expect(host.read("/boot/grub/custom.cfg")).toBe("# mine\n");
    expect(host.read("/boot/grub/grubenv")).not.toContain("next_entry");
  });

  test("linuxefi and initrdefi are what linux and initrd are", () => {
    const arm =
      "bootloader_arm 6.1.0-38-amd64 /boot/vfio-fleet-trial.img-6.1.0-38-amd64 t 'quiet' 'iommu=pt'; bootloader_lacks \"$BOOT/wanted\" || cat $GRUB/custom.cfg";
    const armed = ["", "efi"].map((suffix) => {
      start(shell, menu.replaceAll(/^(\t+)(linux|initrd)\t/gm, `$1$2${suffix}\t`));
      host.file("/var/lib/vfio-fleet/boot/wanted", "argument iommu=pt");
      const { status, output } = host.call(arm);
      host.remove();
      expect([status, output]).toEqual([0, expect.stringContaining("vfio_fleet.trial=t")]);
      return output;
    });
    start(shell);
    expect(armed[1]).toBe(armed[0]?.replaceAll(/^\t(linux|initrd) /gm, "\t$1efi "));
  });

  test("where GRUB cannot write to /boot (LVM), a block on the EFI system partition makes the choice, once", () => {
    start(shell);
    host.folder("/boot/efi");
    host.tool("grub-probe", "[ $1 != --target=abstraction ] || echo lvm");
    host.tool("findmnt", "echo 1FDB-C48E");
    const arm = "bootloader_arm 6.1.0-38-amd64 /boot/vfio-fleet-trial.img-6.1.0-38-amd64 t '' a=b";
    expect(host.call(arm)).toMatchObject({ status: 0, errors: "" });
    expect(host.read("/boot/efi/vfio-fleet.env")).toBe("vfio_fleet_next=trial\n");
    expect(host.read("/boot/grub/grubenv")).not.toContain("next_entry");
    const custom = host.read("/boot/grub/custom.cfg") ?? "";
    expect(custom).toContain("search --no-floppy --fs-uuid --set=vfio_fleet_esp 1FDB-C48E\n");
    // the trial is the default only behind a successful save_env
    expect(custom).toMatch(/if save_env .*\n\s+set default=vfio-fleet-trial\n/);
    expect(spawnSync("grub-script-check", { input: custom }).status).toBe(0);
    host.call("bootloader_disarm");
    expect(host.list("/boot/efi")).toEqual([]);
    expect(host.read("/boot/grub/custom.cfg")).toBeUndefined();
    // and without such a partition nothing is written
    host.tool("findmnt", "exit 1");
    expect(host.call(arm).errors).toContain("no EFI system partition is mounted");
    expect(host.read("/boot/grub/custom.cfg")).toBeUndefined();
  });

  test("a custom.cfg that was ours alone goes again, and the empty next_entry that GRUB leaves", () => {
    start(shell);
    host.call("bootloader_arm 6.1.0-38-amd64 /boot/vfio-fleet-trial.img-6.1.0-38-amd64 t '' a=b");
    host.file("/boot/grub/grubenv", "saved_entry=x\nnext_entry=");
    host.call("bootloader_disarm");
    expect(host.read("/boot/grub/custom.cfg")).toBeUndefined();
    expect(host.read("/boot/grub/grubenv")).toBe("saved_entry=x\n");
  });

  test("somebody else's choice for the next boot stays", () => {
    start(shell);
    host.file("/boot/grub/grubenv", "next_entry=1");
    host.call("bootloader_disarm");
    expect(host.read("/boot/grub/grubenv")).toBe("next_entry=1\n");
  });

  test("a menu that does not read custom.cfg cannot have a trial: nothing is written", () => {
    start(shell, menu.replaceAll("custom.cfg", "other.cfg"));
    const armed = host.call(
      "bootloader_arm 6.1.0-38-amd64 /boot/vfio-fleet-trial.img-6.1.0-38-amd64 t '' a=b",
    );
    expect(armed.status).not.toBe(0);
    expect(armed.errors).toContain("41_custom");
    expect(host.read("/boot/grub/custom.cfg")).toBeUndefined();
    expect(host.read("/boot/grub/grubenv")).not.toContain("next_entry");
  });

  test("an entry that saves itself does not do so in the trial", () => {
    start(shell);
    host.call("bootloader_arm 6.1.0-38-amd64 /boot/vfio-fleet-trial.img-6.1.0-38-amd64 t '' a=b");
    expect(host.read("/boot/grub/custom.cfg")).not.toContain("savedefault");
  });

  test("what ordinary entries lack is named; recovery entries may lack it", () => {
    start(shell);
    host.file("/var/lib/vfio-fleet/boot/wanted", "argument quiet\nargument iommu=pt\nfunction x y");
    const lacking = host.call('bootloader_lacks "$BOOT/wanted"');
    expect(lacking.status).toBe(1);
    expect(lacking.output.trim().split("\n")).toEqual([
      "/boot/vmlinuz-6.1.0-38-amd64: iommu=pt",
      "/boot/vmlinuz-6.1.0-38-amd64: iommu=pt",
      "/boot/vmlinuz-6.1.0-37-amd64: iommu=pt",
    ]);
    host.file("/boot/grub/grub.cfg", menu.replaceAll("quiet", "quiet iommu=pt"));
    expect(host.call('bootloader_lacks "$BOOT/wanted"')).toEqual({ status: 0, output: "", errors: "" });
  });

  test("grub-mkconfig where there is no update-grub: the menu changes at once or not at all", () => {
    start(shell);
    host.tool("grub-mkconfig", 'echo new >"$2"');
    const commit = `command() { [ "$2" != update-grub ]; }; bootloader_commit`;
    expect(host.call(commit).status).toBe(0);
    expect(host.read("/boot/grub/grub.cfg")).toBe("new\n");
    host.tool("grub-mkconfig", 'echo half >"$2"; echo "syntax error in /etc/default/grub"; exit 1');
    const failed = host.call(commit);
    expect(failed.status).not.toBe(0);
    expect(failed.output).toContain("syntax error");
    expect(host.read("/boot/grub/grub.cfg")).toBe("new\n");
    expect(host.list("/boot/grub")).toEqual(["grub.cfg", "grubenv"]);
  });

  test("the entry without passthrough: the distribution's first one without our arguments, under an id of its own", () => {
    start(shell);
    // Debian's 10_linux writes the simple entry first, then a submenu of all
    const folder = "/etc/grub.d";
    const script = `#!/bin/sh
entry() { printf '%s {\\n\\tlinux\\t/boot/vmlinuz-2 root=UUID=a52b ro %s %s\\n\\tinitrd\\t/boot/initrd.img-2\\n}\\n' "$1" "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"; }
echo "Found linux image: /boot/vmlinuz-2" >&2
entry "menuentry 'Debian GNU/Linux' --class debian \\$menuentry_id_option 'gnulinux-simple-a52b'"
echo "submenu 'Advanced options for Debian GNU/Linux' {"
entry "menuentry 'Debian GNU/Linux, with Linux 2'"
echo "}"`;
    host.file(`${folder}/10_linux`, script, { mode: 0o755 });
    const { content } = grubRecovery(["intel_iommu=on", "iommu=pt"]);
    host.file(`${folder}/42_vfio-fleet`, content, { exact: true, mode: 0o755 });
    const written = host.call(
      'GRUB_CMDLINE_LINUX="console=ttyS0 iommu=pt" GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on iommu=pt" /etc/grub.d/42_vfio-fleet',
    );
    expect(written).toEqual({
      status: 0,
      output: `menuentry "Linux without GPU passthrough (vfio-fleet)" --class gnu-linux --id vfio-fleet-recovery {
\tlinux\t/boot/vmlinuz-2 root=UUID=a52b ro console=ttyS0  quiet vfio_fleet=off module_blacklist=vfio_pci
\tinitrd\t/boot/initrd.img-2
}
`,
      errors: "",
    });
    expect(spawnSync("grub-script-check", { input: written.output }).status).toBe(0);
  });
});
