import { afterEach, describe, expect, test } from "vitest";
import { systemdBoot } from "../../../components/drivers/bootloader/systemd-boot/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";
import { recordedHost } from "../support/recorded-hosts.ts";

const VERSION = "6.12.48+deb13-amd64";
const TOKEN = "4f5c1e0d8f1c4d2f8d5b3a4c5e6f7081";
const ENTRY = `/efi/loader/entries/${TOKEN}-${VERSION}.conf`;
const entry = recordedHost("bootloader", "systemd-boot/debian-13").root[ENTRY] ?? "";
const TRIAL = "/efi/loader/entries/0-vfio-fleet-trial.conf";
const RECOVERY = "/efi/loader/entries/0-vfio-fleet-recovery.conf";
const ONESHOT = "/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
const ARM = `bootloader_arm ${VERSION} /boot/vfio-fleet-trial.img-${VERSION} 2026-01-02T03:04:05.000Z quiet 'intel_iommu=on ro'`;

let host: FakeAgent;
afterEach(() => host.remove());

const start = (shell: Shell): void => {
  host = new FakeAgent({ bootloader: systemdBoot, initramfs: initramfsTools, distro: debian }, shell);
  host.file(ENTRY, entry, { exact: true });
  host.file(`/efi/${TOKEN}/${VERSION}/initrd.img-${VERSION}`, "image");
  host.file(`/boot/initrd.img-${VERSION}`, "image");
  host.file(`/boot/vmlinuz-${VERSION}`, "kernel");
  host.file(`/boot/vfio-fleet-trial.img-${VERSION}`, "trial image");
  host.folder(`/lib/modules/${VERSION}`);
  host.folder("/sys/firmware/efi/efivars");
  host.tool(
    "bootctl",
    `case $1 in
  --print-boot-path) echo "$ROOT/efi" ;;
  set-oneshot) if [ -n "$2" ]; then printf '\\007\\000\\000\\000%s' "$2" >"$ROOT${ONESHOT}"; else rm "$ROOT${ONESHOT}"; fi ;;
  --no-pager) cat "$ROOT/bootctl-list" ;;
esac`,
  );
  // what 90-loaderentry.install does, as far as it matters here
  host.tool(
    "kernel-install",
    `[ "$1" = add ] && [ -e "$BOOT_ROOT/${TOKEN}/$2" ] || exit 1
# paths from the root of the file system, as the tool has them
root=\${BOOT_ROOT#"$ROOT/efi"}
version=$2; folder=$BOOT_ROOT/${TOKEN}/$2; entry=$BOOT_ROOT/loader/entries/${TOKEN}-$2.conf
cp "$3" "$folder/linux"; shift 3
sed -e "s/^options .*/options    $(cat "$ROOT/etc/kernel/cmdline")/" -e "s#^\\(linux *\\)/#\\1$root/#" -e /^initrd/d "$ROOT${ENTRY}" >"$entry"
for initrd in "$@"; do cp "$initrd" "$folder/"; echo "initrd     $root/${TOKEN}/$version/\${initrd##*/}" >>"$entry"; done`,
  );
};

describe.each(SHELLS)("systemd-boot, with %s", (shell) => {
  test("the kernel of the default entry is the one to be proved", () => {
    start(shell);
    host.file(
      "/bootctl-list",
      `         type: Boot Loader Specification Type #1 (.conf)
        title: Debian GNU/Linux 13 (trixie) (6.12.41+deb13-amd64) (selected)
           id: ${TOKEN}-6.12.41+deb13-amd64.conf
      version: 6.12.41+deb13-amd64

         type: Boot Loader Specification Type #1 (.conf)
        title: Debian GNU/Linux 13 (trixie) (${VERSION}) (default)
           id: ${TOKEN}-${VERSION}.conf
      version: ${VERSION}
        linux: /efi/${TOKEN}/${VERSION}/linux`,
    );
    expect(host.call("bootloader_version").output).toBe(`${VERSION}\n`);
  });

  test("the trial is an entry of its own that the loader takes once", () => {
    start(shell);
    const armed = host.call(ARM);
    expect(armed.errors).toBe("");
    expect(host.read(TRIAL)).toBe(`title      vfio-fleet trial boot
version    ${VERSION}
machine-id ${TOKEN}
sort-key   zz-vfio-fleet
linux      /${TOKEN}/${VERSION}/linux
initrd     /vfio-fleet/trial.img
options    root=UUID=a52b ro systemd.machine_id=${TOKEN} intel_iommu=on vfio_fleet.trial=2026-01-02T030405.000Z panic=30 rd.shell=0 rd.emergency=reboot
`);
    expect(host.read("/efi/vfio-fleet/trial.img")).toBe("trial image\n");
    expect(host.read(ONESHOT)).toContain("0-vfio-fleet-trial.conf");
    expect(host.read(ENTRY)).toBe(entry);
    expect(host.call("bootloader_disarm").status).toBe(0);
    expect(host.list("/efi")).toEqual([TOKEN, "loader"]);
    expect(host.list("/efi/loader/entries")).toEqual([`${TOKEN}-${VERSION}.conf`]);
    expect(host.read(ONESHOT)).toBeUndefined();
  });

  test("microcode in front of the initrd stays", () => {
    start(shell);
    host.file(ENTRY, entry.replace(/^initrd/m, `initrd     /${TOKEN}/${VERSION}/microcode.cpio\ninitrd`), {
      exact: true,
    });
    host.call(ARM);
    expect(host.read(TRIAL)).toMatch(/^initrd .*\/microcode.cpio\ninitrd .*\/vfio-fleet\/trial.img$/m);
  });

  test("firmware that does not keep the variable: the step fails, the ordinary entry is untouched", () => {
    start(shell);
    host.tool("bootctl", 'case $1 in --print-boot-path) echo "$ROOT/efi" ;; *) exit 1 ;; esac');
    const armed = host.call(ARM);
    expect(armed.status).not.toBe(0);
    expect(armed.errors).toContain("LoaderEntryOneShot");
    expect(host.read(ENTRY)).toBe(entry);
  });

  test("no room on the boot partition", () => {
    start(shell);
    host.tool("df", "printf 'Filesystem\\nx 1 1 100 1%% /efi\\n'");
    const armed = host.call(ARM);
    expect(armed.status).not.toBe(0);
    expect(armed.errors).toContain("needs 1 MiB");
    expect(host.list("/efi/loader/entries")).toEqual([`${TOKEN}-${VERSION}.conf`]);
  });

  test("entries that lack an argument, or whose initrd is not the one that was built", () => {
    start(shell);
    host.file("/var/lib/vfio-fleet/boot/wanted", "argument quiet\nargument iommu=pt");
    host.file(`/boot/initrd.img-${VERSION}`, "newer image");
    const lacking = host.call('bootloader_lacks "$BOOT/wanted"');
    expect(lacking).toMatchObject({ status: 1 });
    expect(lacking.output).toBe(
      `${ENTRY}: iommu=pt\n${ENTRY}: the initrd /boot/initrd.img-${VERSION} as it is now\n`,
    );
  });

  test("commit: kernel-install with the initrd that was proved, then a recovery entry without passthrough", () => {
    start(shell);
    host.file("/var/lib/vfio-fleet/boot/wanted", "argument intel_iommu=on\nargument iommu=pt");
    host.file("/etc/kernel/cmdline", "root=UUID=a52b ro quiet intel_iommu=on iommu=pt");
    host.call(ARM);
    host.calls();
    const done = host.call(
      'bootloader_commit && bootloader_lacks "$BOOT/wanted" && bootloader_recovery && bootloader_disarm',
    );
    expect(done).toMatchObject({ status: 0, errors: "" });
    expect(host.calls("kernel-install")).toEqual([
      `kernel-install add ${VERSION} /boot/vmlinuz-${VERSION} /boot/initrd.img-${VERSION}`,
    ]);
    expect(host.read(ENTRY)).toContain("options    root=UUID=a52b ro quiet intel_iommu=on iommu=pt\n");
    expect(host.read(RECOVERY)).toContain(
      "options    root=UUID=a52b ro quiet vfio_fleet=off module_blacklist=vfio_pci\n",
    );
    expect(host.read(RECOVERY)).toContain(`initrd     /${TOKEN}/${VERSION}/initrd.img-${VERSION}\n`);
    expect(host.call("bootloader_forget").status).toBe(0);
    expect(host.list("/efi/loader/entries")).toEqual([`${TOKEN}-${VERSION}.conf`]);
  });

  test.each([
    ["the initrd had Debian's name", [`initrd.img-${VERSION}`]],
    ["the generator's plugin of kernel-install had made it", ["initrd"]],
    ["both were there", ["initrd", `initrd.img-${VERSION}`]],
    ["somebody's own beside it", ["own.cpio", `initrd.img-${VERSION}`]],
  ])("undone: the entry is as before, and every initrd it names is there (%s)", (_, names) => {
    start(shell);
    const folder = `/efi/${TOKEN}/${VERSION}`;
    const lines = names.map((name) => `initrd     /${TOKEN}/${VERSION}/${name}\n`).join("");
    const before = `${entry.replace(/^initrd.*\n/gm, "")}${lines}`;
    host.file(ENTRY, before, { exact: true });
    host.call(`rm ${folder}/*`);
    for (const name of names) host.file(`${folder}/${name}`, "image");
    const [, options = ""] = /^options\s+(.*)$/m.exec(before) ?? [];
    host.file("/etc/kernel/cmdline", `${options} iommu=pt`);
    expect(host.call("bootloader_commit")).toMatchObject({ status: 0, errors: "" });
    expect(host.read(ENTRY)).toContain("iommu=pt");
    // a second one, such as after a kernel update, does not take ours for what was there before
    expect(host.call("bootloader_commit").status).toBe(0);
    host.file("/etc/kernel/cmdline", options);
    expect(host.call("bootloader_restore")).toMatchObject({ status: 0, errors: "" });
    expect(host.read(ENTRY)).toBe(before);
    expect(host.list(folder)).toEqual([...names, "linux"].sort());
    expect(host.list("/efi/loader/entries")).toEqual([`${TOKEN}-${VERSION}.conf`]);
  });

  test("a power cut at any write while the files are put there: the entry names files that are whole", () => {
    start(shell);
    const other = (kernel: string, image: string): void => {
      host.file(`/boot/vmlinuz-${VERSION}`, kernel);
      host.file(`/boot/initrd.img-${VERSION}`, image);
    };
    const shown = (): string =>
      [`${TOKEN}/${VERSION}/linux`, `${TOKEN}/${VERSION}/initrd.img-${VERSION}`, ENTRY.slice("/efi/".length)]
        .map((file) => host.read(`/efi/${file}`))
        .join("");
    host.file("/etc/kernel/cmdline", "root=UUID=a52b ro");
    host.call("bootloader_commit");
    const before = shown();
    const mv =
      'n=$(cat "$ROOT/left"); [ "$n" -gt 0 ] || kill -9 $PPID; echo $((n - 1)) >"$ROOT/left"; exec /bin/mv "$@"';
    const seen = new Set<string>();
    for (let left = 0; left < 5; left += 1) {
      other("newer kernel", "newer image");
      host.file("/etc/kernel/cmdline", "root=UUID=a52b ro iommu=pt");
      host.file("/left", String(left));
      host.tool("mv", mv);
      host.call("bootloader_commit");
      const [kernel, image, ...lines] = shown().split("\n");
      expect(["kernel", "newer kernel"]).toContain(kernel);
      expect(["image", "newer image"]).toContain(image);
      // the entry comes last
      const moved = [kernel === "newer kernel", image === "newer image"].filter(Boolean).length;
      expect(lines.join("\n").includes("iommu=pt") && moved < 2).toBe(false);
      expect(lines.join("\n")).toContain(`linux      /${TOKEN}/${VERSION}/linux`);
      seen.add(shown());
      host.tool("mv", 'exec /bin/mv "$@"');
      other("kernel", "image");
      host.file("/etc/kernel/cmdline", "root=UUID=a52b ro");
      expect(host.call("bootloader_commit")).toMatchObject({ status: 0 });
      expect(shown()).toBe(before);
      expect(host.list("/efi")).not.toContain("vfio-fleet");
    }
    // the cuts were at different places, and the last one came too late
    expect(seen.size).toBeGreaterThan(2);
  });

  test("kernel-install that fails: its output is shown", () => {
    start(shell);
    host.tool("kernel-install", "echo 'could not copy: No space left on device'; exit 1");
    const failed = host.call("bootloader_commit");
    expect(failed.status).not.toBe(0);
    expect(failed.output).toContain("No space left on device");
    expect(failed.errors).toContain(`kernel-install failed for ${VERSION}`);
  });
});
