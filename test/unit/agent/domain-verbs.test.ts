import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { grubPlain } from "../../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { receiptName } from "../../../components/plan/step.ts";
import { FakeAgent, type Ran } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";
import { definition, fakeLibvirt, stateOfDomain, type FakeDomain } from "../support/fake-libvirt.ts";

const UUID = "7c1c5d1e-0000-4000-8000-000000000001";
const TPM = `/var/lib/libvirt/swtpm/${UUID}/tpm2/tpm2-00.permall`;
const ADOPTED = "/var/backups/vfio-fleet/win.xml";

let host: FakeAgent;
afterEach(() => host.remove());
const start = (shell: Shell, win?: FakeDomain): void => {
  host = new FakeAgent({ bootloader: grubPlain, initramfs: initramfsTools, distro: debian }, shell);
  fakeLibvirt(host, win ? { win } : {});
};
const define = (xml: string, mode = "manual", token = "t1"): Ran =>
  host.run(["domain", "win", mode, `token=${token}`], xml);
const virsh = (): string => host.calls("virsh").join("\n").replaceAll("virsh -q -c qemu:///system ", "");

describe.each(SHELLS)("a domain on the host, with %s", (shell) => {
  test("a new definition leaves the running instance, and comes back with it", () => {
    start(shell, { digest: "a", running: true });
    const wanted = definition("win", { digest: "b" });
    const { status, output } = define(wanted);
    expect(status).toBe(0);
    expect(output).toBe(`${wanted}<!-- running -->\n${definition("win", { digest: "a" })}`);
    expect(virsh()).not.toMatch(/^(destroy|shutdown|undefine|start)/m);
    expect(host.receipt("domain win")).toMatchObject({ token: "t1" });
  });

  test("what is off prints its definition alone; it starts with the host or not", () => {
    start(shell);
    const wanted = definition("win", { digest: "a" });
    expect(define(wanted, "autostart").output).toBe(wanted);
    expect(host.read("/virsh/win/autostart")).toBe("");
    define(wanted, "manual");
    expect(host.read("/virsh/win/autostart")).toBeUndefined();
  });

  test("media of a running domain are put in, changed and taken out; other drives are left alone", () => {
    start(shell, { digest: "a", running: true });
    const drive = (kind: string, target: string, source: string): string =>
      ` file   ${kind}   ${target}   ${source}`;
    host.file(
      "/virsh/win/drives",
      [
        drive("disk", "vda", "/srv/old.qcow2"),
        drive("cdrom", "sda", "-"),
        drive("cdrom", "sdb", "/srv/a b.iso"),
        drive("cdrom", "sdc", "/srv/same.iso"),
        drive("cdrom", "sdd", "/srv/gone.iso"),
      ].join("\n"),
    );
    host.file(
      "/virsh/win/drives.inactive",
      [
        drive("disk", "vda", "/srv/new.qcow2"),
        drive("cdrom", "sda", "/srv/new one.iso"),
        drive("cdrom", "sdb", "-"),
        drive("cdrom", "sdc", "/srv/same.iso"),
      ].join("\n"),
    );
    expect(define(definition("win", { digest: "b" })).status).toBe(0);
    expect(virsh().match(/^change-media.*$/gm)).toEqual([
      "change-media win sda /srv/new one.iso --update --live --force",
      "change-media win sdb --eject --live --force",
      "change-media win sdd --eject --live --force",
    ]);
  });

  test("interfaces of a running domain come, go and change", () => {
    start(shell, { digest: "a", running: true });
    const card = (mac: string): string =>
      `    <interface type='bridge'>\n      <mac address='${mac}'/>\n    </interface>`;
    host.file(
      "/virsh/win/links",
      " vnet0   bridge   br0   virtio   52:54:00:00:00:01\n vnet1   network   default   virtio   52:54:00:00:00:03",
    );
    host.file(
      "/virsh/win/links.inactive",
      " -   bridge   br0   virtio   52:54:00:00:00:01\n -   bridge   br0   virtio   52:54:00:00:00:02",
    );
    const more = [card("52:54:00:00:00:01"), card("52:54:00:00:00:02")].join("\n");
    expect(define(definition("win", { digest: "b", more })).status).toBe(0);
    const calls = virsh();
    expect(calls).toMatch(/^update-device win \S+ --live$[^]*^attach-device win \S+ --live$/m);
    expect(calls).toContain("detach-interface win network --mac 52:54:00:00:00:03 --live");
    expect(calls).not.toContain("--mac 52:54:00:00:00:01");
  });

  test("what cannot be plugged in waits, and is no failure", () => {
    start(shell, { digest: "a", running: true });
    host.file("/virsh/win/links", " vnet1   network   default   virtio   52:54:00:00:00:03");
    host.refuse("virsh", "detach-interface", "error: guest does not answer");
    const { status, errors } = define(definition("win", { digest: "b" }));
    expect(status).toBe(0);
    expect(errors).toMatch(/interface 52:54:00:00:00:03 goes at the next start/);
  });

  test("one made by hand: its definition is kept once, and put back when the stack lets go", () => {
    const before = definition("win");
    start(shell, {});
    define(definition("win", { digest: "a" }));
    expect(host.read(ADOPTED)).toBe(before);
    define(definition("win", { digest: "b" }));
    expect(host.read(ADOPTED)).toBe(before);
    const { status, output } = host.run(["undomain", "win", "3", "keep"]);
    expect({ status, output }).toEqual({
      status: 0,
      output: "win: shut off\nwin: defined as it was before\n",
    });
    expect(host.read("/virsh/win/inactive.xml")).toBe(before);
    expect(host.list("/var/backups")).toEqual([]);
  });

  test("removed: shut down first; NVRAM and TPM state stay", () => {
    start(shell, { digest: "a", running: true });
    host.file(TPM, "sealed");
    expect(host.run(["undomain", "win", "3", "keep"]).status).toBe(0);
    const calls = virsh();
    expect(calls).toMatch(/^shutdown win$[^]*^undefine --keep-nvram --keep-tpm win$/m);
    expect(calls).not.toContain("destroy");
    expect(host.read(TPM)).toBe("sealed\n");
    expect(stateOfDomain(host, "win")).toBeUndefined();
    expect(host.receipt("domain win")).toBeUndefined();
  });

  test("removed by a libvirt that deletes TPM state: it is put back", () => {
    start(shell, { digest: "a" });
    host.file("/virsh/old", "");
    host.file(TPM, "sealed");
    expect(host.run(["undomain", "win", "3", "keep"]).status).toBe(0);
    expect(virsh()).toMatch(/^undefine --keep-nvram win$/m);
    expect(host.read(TPM)).toBe("sealed\n");
    expect(host.list("/var/lib/libvirt/swtpm")).toEqual([UUID]);
  });

  test("removed with its data, as the stack says", () => {
    start(shell, { digest: "a" });
    expect(host.run(["undomain", "win", "3", "keep", "data"]).status).toBe(0);
    expect(virsh()).toMatch(/^undefine --nvram --tpm win$/m);
  });

  test("a guest that does not shut down is not powered off, and the definition stays", () => {
    start(shell, { digest: "a", running: true });
    host.file("/virsh/win/stubborn", "");
    const { status, errors } = host.run(["undomain", "win", "3", "keep"]);
    expect(errors).toMatch(/win still runs 3 s after it was asked to shut down/);
    expect(status).toBe(1);
    expect(stateOfDomain(host, "win")).toBe("running");
  });

  describe("to run", () => {
    const run = (token: string, ...more: readonly string[]): Ran =>
      host.run(["run", "win", ...more, `token=${token}`]);
    const restart = (token: string): Ran => run(token, "restart", "3", "keep");

    test("what is off starts; what runs is left", () => {
      start(shell, { digest: "a" });
      expect(run("t1").output).toBe("win: running, screen vnc://127.0.0.1:0\n");
      expect(run("t2").output).toMatch(/^win: already running/);
      expect(virsh().match(/^start/gm)).toHaveLength(1);
    });

    test("what ends at once is a failure", () => {
      start(shell, { digest: "a" });
      host.file("/virsh/win/dies", "");
      expect(run("t1")).toMatchObject({
        status: 1,
        errors: expect.stringContaining("win did not stay running"),
      });
      expect(host.receipt("run win")).toBeUndefined();
    });

    test("a change that waits is applied by a graceful restart, once a token", () => {
      start(shell, { digest: "a", running: true });
      define(definition("win", { digest: "b" }));
      virsh();
      expect(restart("t1").output).toMatch(/^win: shutting down, to start with its new definition\n/);
      expect(virsh()).toMatch(/^shutdown win$[^]*^start win$/m);
      expect(host.read("/virsh/win/live.xml")).toBe(definition("win", { digest: "b" }));
      // the same step again, and another one with nothing to apply
      define(definition("win", { digest: "c" }));
      expect(restart("t1").output).toMatch(/^win: already running/);
      define(definition("win", { digest: "b" }));
      expect(restart("t2").output).toMatch(/^win: already running/);
    });

    test("without restart a change goes on waiting", () => {
      start(shell, { digest: "a", running: true });
      define(definition("win", { digest: "b" }));
      expect(run("t1").output).toMatch(/^win: already running/);
    });
  });

  describe("storage", () => {
    const grow = (...bytes: readonly string[]): Ran =>
      host.run(["grow", "win", "default", "win.qcow2", "/srv/win.qcow2", ...bytes, "token=t1"]);
    const PATH = "/srv/win.qcow2";

    test("a volume grows, is left, and never shrinks", () => {
      start(shell, { digest: "a" });
      host.file("/virsh/capacity", "1000");
      expect(grow("2000").output).toMatch(/grown from 1000 to 2000 bytes\n$/);
      expect(virsh()).toContain("vol-resize win.qcow2 2000 --pool default");
      expect(grow("1000").output).toMatch(/already 1000 bytes/);
      const { status, errors } = grow("999");
      expect(errors).toMatch(/has 1000 bytes, the stack says 999: a volume is never made smaller/);
      expect(status).toBe(1);
      expect(virsh()).not.toContain("resize");
    });

    test("one that was there before the stack is known as such", () => {
      start(shell, { digest: "a" });
      host.file("/virsh/capacity", "1000");
      grow("1000");
      expect(host.receipt("size default/win.qcow2")).toMatchObject({ token: "t1", bytes: "1000" });
      expect(host.receipt("size default/win.qcow2")).not.toHaveProperty("found");
      grow("1000", "found");
      expect(host.receipt("size default/win.qcow2")).toMatchObject({
        token: "t1",
        bytes: "1000",
        found: "yes",
      });
    });

    test("under a running domain it is QEMU that makes it grow", () => {
      start(shell, { digest: "a", running: true });
      host.file("/virsh/capacity", "1000");
      host.file("/virsh/win/drives", ` file   disk   vda   ${host.root}${PATH}`);
      host.run(["grow", "win", "default", "win.qcow2", PATH, "2000", "token=t1"]);
      expect(virsh()).toMatch(/^blockresize win \S*\/srv\/win\.qcow2 2000B$/m);
    });

    test("an image is what its digest says, or the next preview knows", () => {
      start(shell);
      host.file("/srv/win.iso", "an image");
      const digest = createHash("sha256").update("an image\n").digest("hex");
      const check = (wanted: string): Ran => host.run(["media", "win", "/srv/win.iso", wanted, "token=t1"]);
      expect(check(digest)).toMatchObject({ status: 0, errors: "" });
      const other = check("0".repeat(64));
      expect(other.errors).toContain(`its sha256 is ${digest}, expected 000`);
      expect(other.status).toBe(1);
      expect(host.receipt("media win /srv/win.iso")).toMatchObject({ sha256: digest });
      // the receipt lies where the next preview looks for it, whatever stands in its key
      expect(host.list("/var/lib/vfio-fleet/receipts")).toEqual([receiptName("media win /srv/win.iso")]);
    });
  });
});
