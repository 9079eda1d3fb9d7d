import { afterEach, describe, expect, test } from "vitest";
import { grub } from "../../../components/drivers/bootloader/grub/driver.ts";
import { arch } from "../../../components/drivers/distro/arch/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";

const LOCKED = "dpkg: error: dpkg frontend lock was locked by another process with pid 815";
let host: FakeAgent;
afterEach(() => host.remove());

const start = (shell: Shell): void => {
  host = new FakeAgent({ bootloader: grub, initramfs: initramfsTools, distro: debian }, shell);
  host.tool("dpkg-query", "case $4 in ovmf) echo installed ;; swtpm) printf half-configured ;; esac");
  host.tool("dpkg", ":");
  host.tool("apt-get", ":");
  host.tool("sleep", ":");
};
const changes = (): string[] => host.calls("dpkg", "apt-get", "sleep");

describe.each(SHELLS)("packages, with %s", (shell) => {
  test("already installed: no package manager is started, so none can be in the way", () => {
    start(shell);
    expect(host.run(["packages", "ovmf", "token=t1"])).toMatchObject({
      status: 0,
      output: "already installed: ovmf\n",
    });
    expect(changes()).toEqual([]);
    expect(host.receipt("packages")).toMatchObject({ token: "t1" });
  });

  test("what is missing or half configured: finished first, then installed", () => {
    start(shell);
    expect(host.run(["packages", "ovmf", "swtpm", "qemu-utils", "token=t1"]).status).toBe(0);
    expect(host.receipt("packages")).toEqual({ token: "t1", asked: "ovmf swtpm qemu-utils" });
    const calls = changes();
    expect(calls[0]).toBe("dpkg --configure -a --force-confold");
    expect(calls.at(-1)).toMatch(/^apt-get .* install swtpm qemu-utils$/);
  });

  test("what was only half configured is installed then, and needs no network", () => {
    start(shell);
    host.tool("dpkg", ': >"$ROOT/configured"');
    host.tool("dpkg-query", '[ -e "$ROOT/configured" ] && echo installed || echo unpacked');
    expect(host.run(["packages", "qemu-utils", "token=t1"])).toMatchObject({
      status: 0,
      output: "already installed: qemu-utils\n",
    });
    expect(changes()).toEqual(["dpkg --configure -a --force-confold"]);
    expect(host.receipt("packages")).toMatchObject({ token: "t1" });
  });

  test("a package manager at work is waited for; one that does not end is named, and nothing is noted", () => {
    start(shell);
    host.tool("dpkg", `[ -e "$ROOT/released" ] || { echo "${LOCKED}" >&2; exit 2; }`);
    host.tool("sleep", ': >"$ROOT/released"');
    expect(host.run(["packages", "swtpm", "token=t1"]).status).toBe(0);
    expect(changes()).toContain("sleep 5");
    host.tool("dpkg", `echo "${LOCKED}" >&2; exit 2`);
    const stuck = host.run(["packages", "swtpm", "token=t2"]);
    expect(stuck.status).not.toBe(0);
    expect(stuck.errors).toContain(LOCKED);
    expect(stuck.errors).toContain("let it finish, then run this again");
    expect(changes().some((call) => call.startsWith("apt-get"))).toBe(false);
    expect(host.receipt("packages")).toMatchObject({ token: "t1" });
  });

  test("apt that fails: its output is shown", () => {
    start(shell);
    host.tool(
      "apt-get",
      'case $* in *install*) echo "E: Unable to locate package swtpm" >&2; exit 100 ;; esac',
    );
    const failed = host.run(["packages", "swtpm", "token=t1"]);
    expect(failed.status).not.toBe(0);
    expect(failed.errors).toContain("E: Unable to locate package swtpm");
    expect(failed.errors).toContain("could not install swtpm");
    expect(host.receipt("packages")).toBeUndefined();
  });

  test("Arch: only what is missing, never a database without its upgrade; pacman's own output when it fails", () => {
    start(shell);
    host.drivers({ bootloader: grub, initramfs: initramfsTools, distro: arch });
    host.tool("pacman", '[ "$1 $2" != "-Q edk2-ovmf" ] && [ "$1" = -Q ]');
    expect(host.run(["packages", "libvirt", "token=t1"]).output).toBe("already installed: libvirt\n");
    host.calls();
    const failed = host.run(["packages", "libvirt", "edk2-ovmf", "token=t2"]);
    expect(host.calls("pacman").at(-1)).toBe("pacman -S --needed --noconfirm edk2-ovmf");
    expect(failed.status).not.toBe(0);
    expect(failed.errors).toContain("could not install edk2-ovmf");
    expect(host.receipt("packages")).toMatchObject({ token: "t1" });
  });
});
