import { afterEach, describe, expect, test } from "vitest";
import { grub } from "../../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";
import { recordedHost, toolOf } from "../support/recorded-hosts.ts";

const menu = (recordedHost("bootloader", "grub/debian-12").root["/boot/grub/grub.cfg"] ?? "").replaceAll(
  "6.1.0-38",
  "6.1.0-37",
);
const VERSION = "6.1.0-37-amd64";
const IMAGE = `/boot/initrd.img-${VERSION}`;
const TRIAL = `/boot/vfio-fleet-trial.img-${VERSION}`;
const GPU = "0000:03:00.0";
const AUDIO = "0000:03:00.1";
const WANTED = `argument iommu=pt
function ${GPU} 10de:1c81
function ${AUDIO} 10de:0fb9
alone ${GPU} ${GPU} ${AUDIO}
module vfio_pci
`;

let host: FakeAgent;
afterEach(() => host.remove());

/** A host with one card on its own drivers, and a libvirt with a domain that can be asked to shut down. */
const start = (shell: Shell): void => {
  host = new FakeAgent({ bootloader: grub, initramfs: initramfsTools, distro: debian }, shell);
  host.file("/boot/grub/grub.cfg", menu);
  host.file("/boot/grub/grubenv", "# GRUB Environment Block");
  host.file(IMAGE, "old image");
  host.folder(`/lib/modules/${VERSION}`);
  host.tool("grub-editenv", toolOf(recordedHost("bootloader", "grub/debian-13"), "grub-editenv"));
  host.tool("update-grub", 'sed -i "s/ro  quiet/ro quiet iommu=pt/" "$ROOT/boot/grub/grub.cfg"');
  host.tool("mkinitramfs", 'echo "new image" >"$2"');
  host.tool(
    "unmkinitramfs",
    `mkdir -p "$2/main"; ! grep -q new "$1" || { mkdir -p "$2/main/m"; : >"$2/main/m/vfio-pci.ko"; }`,
  );
  host.tool("sleep", ":");
  host.tool("systemctl", "[ $1 != -q ]");
  host.tool("systemd-run", ":");
  host.tool(
    "virsh",
    `shift 3; on="$ROOT/running"
case $1 in
  list) cat "$on" 2>/dev/null ;;
  shutdown) [ -e "$ROOT/stubborn" ] || rm -f "$on" ;;
  start) echo "$2" >"$on" ;;
  domstate) if grep -qx "$2" "$on" 2>/dev/null; then echo running; else echo "shut off"; fi ;;
esac`,
  );
  for (const [address, id, driver] of [
    [GPU, "10de:1c81", "nouveau"],
    [AUDIO, "10de:0fb9", "snd_hda_intel"],
  ] as const) {
    const folder = `/sys/bus/pci/devices/${address}`;
    const [vendor, device] = id.split(":");
    host.file(`${folder}/vendor`, `0x${vendor}`);
    host.file(`${folder}/device`, `0x${device}`);
    host.file(`${folder}/class`, address === GPU ? "0x030000" : "0x040300");
    host.link(`${folder}/driver`, `/sys/bus/pci/drivers/${driver}`);
    host.link(`${folder}/iommu_group`, "/sys/kernel/iommu_groups/30");
    host.link(`/sys/kernel/iommu_groups/30/devices/${address}`, folder);
  }
  for (const driver of ["nouveau", "snd_hda_intel", "vfio-pci"])
    host.folder(`/sys/bus/pci/drivers/${driver}`);
  host.folder("/sys/kernel/iommu_groups/30");
};
const TOKEN = "2026-01-02T03:04:05.000Z";
const boot = (token = TOKEN) => host.run(["boot", `token=${token}`], WANTED);
const prove = (policy = "auto") => host.run(["prove", policy, `token=${TOKEN}`], WANTED);
/** The host as it comes back: another boot, and what the command line and the cards show then. */
const rebooted = (cmdline: string, driver?: string): void => {
  host.file("/proc/sys/kernel/random/boot_id", "boot-2");
  host.file("/proc/cmdline", `BOOT_IMAGE=/boot/vmlinuz-${VERSION} root=UUID=a52b ro quiet${cmdline}`);
  if (driver === undefined) return;
  for (const address of [GPU, AUDIO])
    host.relink(`/sys/bus/pci/devices/${address}/driver`, `/sys/bus/pci/drivers/${driver}`);
};
const TRIAL_BOOT = " iommu=pt vfio_fleet.trial=2026-01-02T030405.000Z";

describe.each(SHELLS)("from the trial to the proof, with %s", (shell) => {
  test("the trial: an image beside the old one, an entry chosen once; nothing that boots is touched", () => {
    start(shell);
    const armed = boot();
    expect(armed).toMatchObject({ status: 0, errors: "" });
    expect(armed.output).toContain(`${GPU}: driver is nouveau, expected vfio-pci`);
    expect(host.read(IMAGE)).toBe("old image\n");
    expect(host.read(TRIAL)).toBe("new image\n");
    expect(host.read("/boot/grub/grub.cfg")).toBe(`${menu}\n`);
    expect(host.read("/boot/grub/grubenv")).toContain("next_entry=vfio-fleet-trial");
    // again: the image is there already
    host.calls();
    expect(boot().status).toBe(0);
    expect(host.calls("mkinitramfs")).toEqual([]);
  });

  test("proved: the trial's image and arguments become the default, groups and kernel are noted", () => {
    start(shell);
    boot();
    expect(host.run(["reboot", "auto", "0", `token=${TOKEN}`]).output).toContain("rebooting now");
    rebooted(TRIAL_BOOT, "vfio-pci");
    host.calls();
    const proved = prove();
    expect(proved).toMatchObject({ status: 0, errors: "" });
    // the image was opened before it was booted, and is the same one
    expect(host.calls("unmkinitramfs")).toEqual([]);
    expect(host.read(IMAGE)).toBe("new image\n");
    expect(host.read(TRIAL)).toBeUndefined();
    expect(host.read("/boot/grub/grub.cfg")).toContain("ro quiet iommu=pt");
    expect(host.read("/boot/grub/custom.cfg")).toBeUndefined();
    expect(host.receipt("prove")).toMatchObject({
      token: TOKEN,
      kernel: VERSION,
      groups: `${GPU}=${GPU}+${AUDIO} ${AUDIO}=${GPU}+${AUDIO}`,
    });
    // called again: all is so
    host.calls();
    expect(boot().output).toContain("no reboot");
    expect(prove().status).toBe(0);
    expect(host.calls("update-grub", "mkinitramfs")).toEqual([]);
  });

  test.each([
    ["a whole one becomes the default", "a new image too", "a new image too\n", /^$/],
    ["one that lacks something does not", "another image", "old image\n", /lacks:\nmodule vfio_pci/],
  ])("a trial image that is not the one that was opened is opened again: %s", (_, content, after, errors) => {
    start(shell);
    boot();
    rebooted(TRIAL_BOOT, "vfio-pci");
    host.file(TRIAL, content);
    host.calls();
    expect(prove().errors).toMatch(errors);
    expect(host.calls("unmkinitramfs")).not.toEqual([]);
    expect(host.read(IMAGE)).toBe(after);
  });

  test("the host came back without the trial: the old configuration stays, and the error says so", () => {
    start(shell);
    boot();
    rebooted("");
    const failed = prove();
    expect(failed.status).not.toBe(0);
    expect(failed.errors).toContain(
      "the trial boot did not come up: the host is back on its old configuration",
    );
    expect(host.read(IMAGE)).toBe("old image\n");
    expect(host.read("/boot/grub/grub.cfg")).toBe(`${menu}\n`);
    expect(host.read("/boot/grub/custom.cfg")).toBeUndefined();
  });

  test("the trial came up without its effect: back to the old configuration", () => {
    start(shell);
    boot();
    rebooted(TRIAL_BOOT);
    host.calls();
    const failed = prove();
    expect(failed.status).not.toBe(0);
    expect(failed.errors).toContain(`${GPU}: driver is nouveau, expected vfio-pci`);
    expect(failed.output).toContain("going back to the old configuration");
    expect(host.calls("systemd-run")).toHaveLength(1);
    expect(host.read(IMAGE)).toBe("old image\n");
  });

  test("options that are wanted no more are put back before the image is built, and their own undo finds nothing left", () => {
    start(shell);
    const [vfio, kvm] = ["/etc/modprobe.d/vfio.conf", "/etc/modprobe.d/kvm.conf"];
    const rules = "/etc/udev/rules.d/90-vfio-fleet-sriov.rules";
    host.file(kvm, "options kvm own=1", { mode: 0o600 });
    for (const path of [vfio, kvm, rules]) host.run(["file", path, "644", "token=t1"], "ours\n");
    host.tool(
      "mkinitramfs",
      'cat "$ROOT"/etc/modprobe.d/*.conf "$ROOT"/etc/udev/rules.d/* >"$ROOT/seen" 2>/dev/null; echo "new image" >"$2"',
    );
    const armed = host.run(["boot", `token=${TOKEN}`], `${WANTED}file ${host.root}${vfio}\n`);
    expect(armed).toMatchObject({ status: 0 });
    expect(host.read("/seen")).toBe("options kvm own=1\nours\n");
    expect(host.read(kvm)).toBe("options kvm own=1\n");
    expect(host.list("/etc/udev")).toEqual([]);
    expect(host.receipt(vfio)).toMatchObject({ token: "t1" });
    // what the engine calls at the end of the up
    for (const path of [kvm, rules])
      expect(host.run(["unfile", path])).toEqual({ status: 0, output: "", errors: "" });
    expect(host.read(kvm)).toBe("options kvm own=1\n");
  });

  test("a /boot that takes no file is found before a generator works for minutes", () => {
    start(shell);
    host.folder(`/boot/vfio-fleet-trial.img-${VERSION}.part`);
    const refused = boot();
    expect(refused.status).not.toBe(0);
    expect(refused.errors).toContain("/boot cannot be written to; no boot file was touched");
    expect(host.calls("mkinitramfs")).toEqual([]);
  });

  test("mkinitramfs that fails: nothing is armed", () => {
    start(shell);
    host.tool("mkinitramfs", "echo 'No space left on device' >&2; exit 1");
    const failed = boot();
    expect(failed.status).not.toBe(0);
    expect(failed.errors).toContain("No space left on device");
    expect(host.read("/boot/grub/grubenv")).not.toContain("next_entry");
    expect(host.receipt("boot")).toBeUndefined();
  });

  test("update-grub that fails: its output is shown, the old menu is there, and the next run finishes", () => {
    start(shell);
    boot();
    rebooted(TRIAL_BOOT, "vfio-pci");
    host.tool("update-grub", "echo 'syntax error in /etc/default/grub'; exit 1");
    const failed = prove();
    expect(failed.status).not.toBe(0);
    expect(failed.output).toContain("syntax error");
    expect(failed.errors).toContain("update-grub failed");
    expect(host.read("/boot/grub/grub.cfg")).toBe(`${menu}\n`);
    host.tool("update-grub", 'sed -i "s/ro  quiet/ro quiet iommu=pt/" "$ROOT/boot/grub/grub.cfg"');
    expect(boot().status).toBe(0);
    expect(prove().status).toBe(0);
    expect(host.read("/boot/grub/grub.cfg")).toContain("iommu=pt");
  });
});

describe.each(SHELLS)("reboots by policy, with %s", (shell) => {
  const reboot = (policy: string, seconds: number, token = TOKEN) =>
    host.run(["reboot", policy, String(seconds), `token=${token}`]);

  test("never: left to the person; the proof says that it is pending", () => {
    start(shell);
    boot();
    expect(reboot("never", 0).output).toContain("waiting for a reboot by hand");
    expect(host.calls("systemd-run")).toEqual([]);
    expect(prove("never").status).toBe(0);
    expect(host.receipt("prove")).toMatchObject({ pending: "reboot" });
  });

  test("ask: stops without consent, reboots with it", () => {
    start(shell);
    boot();
    const stopped = reboot("ask", 0);
    expect(stopped.status).not.toBe(0);
    expect(stopped.errors).toContain("VFIO_FLEET_REBOOT=yes");
    expect(host.receipt("reboot")).toBeUndefined();
    expect(host.calls("systemd-run")).toEqual([]);
    expect(reboot("ask", 0, `${TOKEN}+reboot`).status).toBe(0);
    expect(host.calls("systemd-run")).toHaveLength(1);
  });

  test("a running domain is not cut off", () => {
    start(shell);
    boot();
    host.file("/running", "win 10");
    const refused = reboot("auto", 0);
    expect(refused.status).not.toBe(0);
    expect(refused.errors).toContain("running guests would lose their power: win 10");
    expect(host.calls("systemd-run")).toEqual([]);
    expect(host.read("/running")).toBe("win 10\n");
  });

  test.each([
    ["libvirt that fails", "shift; exec false"],
    ["libvirt that hangs", "exit 124"],
  ])("%s does not tell: guests outlive it, and are known by their processes", (_, asked) => {
    start(shell);
    boot();
    host.tool("timeout", asked);
    host.file("/run/libvirt/qemu/win10.pid", "4711");
    host.file("/run/libvirt/qemu/old.pid", "4712");
    host.file("/run/libvirt/qemu/driver.pid", "4713");
    host.file("/proc/4711/cmdline", "qemu-system-x86_64\0-name\0guest=win10,debug-threads=on\0");
    host.file("/proc/4713/cmdline", "libvirtd\0");
    const refused = reboot("auto", 0);
    expect(refused.status).not.toBe(0);
    expect(refused.errors).toContain("running guests would lose their power: win10 -");
    host.file("/proc/4711/cmdline", "something else\0");
    expect(reboot("auto", 0).status).toBe(0);
  });

  test("drained: asked to shut down first, started again after the proof", () => {
    start(shell);
    boot();
    host.file("/running", "win 10");
    expect(reboot("auto", 5).status).toBe(0);
    expect(host.calls("virsh", "systemd-run").filter((call) => !call.includes(" list "))).toEqual([
      "virsh -q -c qemu:///system shutdown win 10",
      expect.stringContaining("systemd-run"),
    ]);
    rebooted(TRIAL_BOOT, "vfio-pci");
    expect(prove().status).toBe(0);
    expect(host.read("/running")).toBe("win 10\n");
  });

  test("drained, and the trial did not come up: they run again as well", () => {
    start(shell);
    boot();
    host.file("/running", "win 10");
    reboot("auto", 5);
    rebooted("");
    expect(prove().status).not.toBe(0);
    expect(host.read("/running")).toBe("win 10\n");
  });

  test("one that does not shut down stops the reboot", () => {
    start(shell);
    boot();
    host.file("/running", "win 10");
    host.file("/stubborn", "");
    const stopped = reboot("auto", 3);
    expect(stopped.status).not.toBe(0);
    expect(stopped.errors).toContain("still running 3 s after they were asked to shut down: win 10");
    expect(host.calls("systemd-run")).toEqual([]);
  });
});

describe.each(SHELLS)("leaving, with %s", (shell) => {
  const applied = (): void => {
    start(shell);
    boot();
    rebooted(TRIAL_BOOT, "vfio-pci");
    prove();
    host.tool("mkinitramfs", 'echo "old image" >"$2"');
    host.tool("update-grub", 'sed -i "s/ro quiet iommu=pt/ro  quiet/" "$ROOT/boot/grub/grub.cfg"');
    host.calls();
  };

  test("images and menu from what is back now, nothing of ours is left, then the reboot", () => {
    applied();
    const left = host.run(["leave", "auto", "0"]);
    expect(left).toMatchObject({ status: 0 });
    expect(host.read(IMAGE)).toBe("old image\n");
    expect(host.read("/boot/grub/grub.cfg")).toBe(`${menu}\n`);
    expect(host.list("/boot")).toEqual(["grub", `initrd.img-${VERSION}`]);
    expect(host.list("/boot/grub")).toEqual(["grub.cfg", "grubenv"]);
    expect(host.read("/boot/grub/grubenv")).toBe("# GRUB Environment Block\n");
    expect(host.list("/var/lib/vfio-fleet")).toEqual([]);
    expect(host.calls("systemd-run")).toHaveLength(1);
  });

  test("the agent goes as well, unless an administrator put it there for a login that may do no more", () => {
    applied();
    host.install();
    expect(host.run(["leave", "never", "0"])).toMatchObject({ status: 0 });
    expect(host.list("/usr/local/lib")).toEqual([]);
    applied();
    host.install();
    host.file("/usr/local/lib/vfio-fleet/probe", "#!/bin/sh", { mode: 0o755 });
    expect(host.run(["leave", "never", "0"])).toMatchObject({ status: 0 });
    expect(host.list("/usr/local/lib/vfio-fleet")).toEqual(["host", "probe"]);
    expect(host.list("/var/lib/vfio-fleet")).toEqual([]);
  });

  test("never and ask: the reboot is left to the person", () => {
    applied();
    expect(host.run(["leave", "ask", "0"]).output).toContain("reboot the host when it suits you");
    expect(host.calls("systemd-run")).toEqual([]);
  });

  test("a running domain stops it before anything is gone", () => {
    applied();
    host.file("/running", "win 10");
    const refused = host.run(["leave", "auto", "0"]);
    expect(refused.status).not.toBe(0);
    expect(refused.errors).toContain("win 10");
    expect(host.read(IMAGE)).toBe("new image\n");
    expect(host.read("/var/lib/vfio-fleet/boot/applied")).toBe(WANTED);
  });

  test("a trial that was never booted leaves no trace", () => {
    start(shell);
    boot();
    expect(host.run(["leave", "auto", "0"]).status).toBe(0);
    expect(host.list("/boot")).toEqual(["grub", `initrd.img-${VERSION}`]);
    expect(host.read("/boot/grub/grubenv")).toBe("# GRUB Environment Block\n");
    expect(host.calls("systemd-run")).toEqual([]);
  });
});
