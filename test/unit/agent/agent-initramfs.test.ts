import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { grub } from "../../../components/drivers/bootloader/grub/driver.ts";
import type { InitramfsDriver } from "../../../components/plan/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { dracut } from "../../../components/drivers/initramfs/dracut/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { mkinitcpio } from "../../../components/drivers/initramfs/mkinitcpio/driver.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";

const VERSION = "6.1.0-37-amd64";
const IMAGE = `/boot/initrd.img-${VERSION}`;
const LACKS = `image_lacks ${VERSION} ${IMAGE} "$BOOT/wanted"`;
const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

let host: FakeAgent;
afterEach(() => host.remove());

/** A generator whose images are folders: opening one copies it. */
const start = (shell: Shell, initramfs: InitramfsDriver): void => {
  host = new FakeAgent({ bootloader: grub, initramfs, distro: debian }, shell);
  host.file(IMAGE, "image");
  host.folder(`/lib/modules/${VERSION}`);
  host.tool("unmkinitramfs", 'mkdir -p "$2/main" && cp -r "$ROOT/opened/." "$2/main"');
  host.tool("lsinitrd", 'cp -r "$ROOT/opened/." .');
  host.tool(
    "modinfo",
    'case $5 in vfio_virqfd) exit 1 ;; kvm) echo "(builtin)" ;; *) echo "/lib/modules/x/$5.ko" ;; esac',
  );
  for (const module of ["vfio", "vfio-pci"])
    host.file(`/opened/usr/lib/modules/${VERSION}/kernel/drivers/vfio/${module}.ko.xz`, "");
  host.file("/opened/etc/vfio-fleet/bind", "list");
  host.file(
    "/var/lib/vfio-fleet/boot/wanted",
    [
      "module vfio",
      "module vfio_pci",
      "module vfio_virqfd",
      "module kvm",
      `image-file /etc/vfio-fleet/bind ${sha("list\n")}`,
    ].join("\n"),
  );
};

describe.each(SHELLS)("an image is opened, with %s", (shell) => {
  describe.each([
    ["initramfs-tools", initramfsTools],
    ["dracut", dracut],
  ])("by %s", (_, driver) => {
    test("what this kernel has not as a module is not asked for; all else is there", () => {
      start(shell, driver);
      expect(host.call(LACKS)).toMatchObject({ status: 0, output: "" });
      expect(host.list("/var/tmp")).toEqual([]);
    });

    test("a module and a file that are missing, or are not the host's, are named", () => {
      start(shell, driver);
      host.file("/opened/etc/vfio-fleet/bind", "an older list");
      host.file(
        "/var/lib/vfio-fleet/boot/wanted",
        `module vfio_iommu_type1\nimage-file /etc/vfio-fleet/bind ${sha("list\n")}\nimage-file /etc/modprobe.d/vfio.conf ${sha("")}`,
      );
      const lacking = host.call(LACKS);
      expect(lacking.status).toBe(1);
      expect(lacking.output).toBe(
        "module vfio_iommu_type1\n/etc/vfio-fleet/bind as it is on the host now\n/etc/modprobe.d/vfio.conf as it is on the host now\n",
      );
      expect(host.list("/var/tmp")).toEqual([]);
    });

    test("options of an earlier description that are still in it; the host's own are none of them", () => {
      start(shell, driver);
      host.file("/opened/etc/modprobe.d/own.conf", "options snd_hda_intel index=1");
      expect(host.call(LACKS)).toMatchObject({ status: 0, output: "" });
      host.file(
        "/opened/etc/modprobe.d/kvm.conf",
        "# Written by vfio-fleet; edits\noptions kvm ignore_msrs=1",
      );
      expect(host.call(LACKS)).toMatchObject({
        status: 1,
        output: "/etc/modprobe.d/kvm.conf gone, as it is on the host now\n",
      });
    });

    test("an image that cannot be opened", () => {
      start(shell, driver);
      host.tool("unmkinitramfs", "echo 'E: not a cpio archive' >&2; exit 1");
      host.tool("lsinitrd", "echo 'E: not a cpio archive' >&2; exit 1");
      expect(host.call(LACKS)).toMatchObject({
        status: 1,
        output: `${IMAGE} cannot be opened: E: not a cpio archive\n`,
      });
    });

    test("a build that fails leaves the old image, and nothing half done", () => {
      start(shell, driver);
      host.tool("mkinitramfs", 'echo half >"$2"; echo "No space left on device" >&2; exit 1');
      host.tool("dracut", 'echo half >"$3"; echo "No space left on device" >&2; exit 1');
      const built = host.call(`initramfs_build ${VERSION} ${IMAGE}`);
      expect(built.status).not.toBe(0);
      expect(built.errors).toContain("No space left on device");
      expect(built.errors).toContain("no boot file was touched");
      expect(host.read(IMAGE)).toBe("image\n");
      expect(host.list("/boot")).toEqual([`initrd.img-${VERSION}`]);
    });
  });

  test("initramfs-tools: the binding has to come before udev", () => {
    start(shell, initramfsTools);
    const order = (first: string, second: string): string =>
      `/scripts/init-top/${first} "$@"\n[ -e /conf/param.conf ] && . /conf/param.conf\n/scripts/init-top/${second} "$@"`;
    host.file("/opened/scripts/init-top/ORDER", order("00-vfio-fleet", "udev"));
    expect(host.call(LACKS).status).toBe(0);
    host.file("/opened/scripts/init-top/ORDER", order("udev", "00-vfio-fleet"));
    expect(host.call(LACKS)).toMatchObject({ status: 1, output: "the binding script before udev\n" });
  });

  test("mkinitcpio: kernels and images by the name of their package; the hook before udev's", () => {
    start(shell, mkinitcpio);
    host.file("/usr/lib/modules/6.17.1-arch1-1/pkgbase", "linux");
    host.file("/usr/lib/modules/6.12.50-1-lts/pkgbase", "linux-lts");
    host.file("/boot/initramfs-linux.img", "image");
    host.tool("lsinitcpio", 'cp -r "$ROOT/opened/." .');
    expect(
      host.call("initramfs_kernels; initramfs_image 6.17.1-arch1-1; kernel_image 6.17.1-arch1-1").output,
    ).toBe("6.17.1-arch1-1\n/boot/initramfs-linux.img\n/boot/vmlinuz-linux\n");
    const lacks = 'image_lacks 6.17.1-arch1-1 /boot/initramfs-linux.img "$BOOT/wanted"';
    host.file("/opened/config", 'EARLYHOOKS="vfio-fleet udev"');
    expect(host.call(lacks)).toMatchObject({ status: 0, output: "" });
    host.file("/opened/config", 'EARLYHOOKS="udev vfio-fleet"');
    expect(host.call(lacks)).toMatchObject({ status: 1, output: "the binding hook before udev\n" });
    host.file("/opened/usr/lib/systemd/system/systemd-udevd.service", "[Service]");
    expect(host.call(lacks)).toMatchObject({ status: 1, output: "the binding before udev's service\n" });
    host.file(
      "/opened/etc/systemd/system/systemd-udevd.service.d/vfio-fleet.conf",
      "ExecStartPre=-/usr/bin/sh -c '. /hooks/vfio-fleet && run_earlyhook'",
    );
    expect(host.call(lacks)).toMatchObject({ status: 0, output: "" });
    host.tool("mkinitcpio", 'echo half >"$4"; exit 1');
    expect(host.call("initramfs_build 6.17.1-arch1-1 /boot/initramfs-linux.img").errors).toContain(
      "mkinitcpio failed",
    );
    expect(host.read("/boot/initramfs-linux.img")).toBe("image\n");
  });

  test("dracut: an image that is built reaches no boot entry by itself", () => {
    start(shell, dracut);
    // as Debian 13's dracut ends: it hands over what it has built to the boot loader
    host.tool("dracut", 'echo new >"$3"; [ -n "${NO_POST_UPDATE_HOOKS:-}" ] || cp "$3" "$ROOT/boot/entry"');
    expect(host.call(`initramfs_build ${VERSION} /boot/trial`).status).toBe(0);
    expect(host.list("/boot")).toEqual([`initrd.img-${VERSION}`, "trial"]);
  });

  test("dracut: hooks are found where older versions keep them", () => {
    start(shell, dracut);
    host.file("/opened/lib/dracut/hooks/pre-udev/00-vfio-fleet.sh", "hook");
    host.file(
      "/var/lib/vfio-fleet/boot/wanted",
      `image-file /var/lib/dracut/hooks/pre-udev/00-vfio-fleet.sh ${sha("hook\n")}`,
    );
    expect(host.call(LACKS)).toMatchObject({ status: 0, output: "" });
  });
});
