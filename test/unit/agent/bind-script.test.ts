import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bindList, bindScript } from "../../../components/plan/kernel/binding.ts";
import { device } from "../../fixtures/xeon.ts";
import { SHELLS, shellCommand } from "../support/fake-host.ts";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "vfio-fleet-bind-")));
  put("/proc/cmdline", "root=UUID=1 ro quiet");
  put("/dev/kmsg", "");
  put("/sys/bus/pci/drivers_probe", "");
  put("/tools/modprobe", `#!/bin/sh\necho "$*" >>'${root}/modprobe.log'`);
  spawnSync("chmod", ["755", join(root, "tools/modprobe")]);
});
afterEach(() => rmSync(root, { recursive: true }));

const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text === "" ? "" : `${text}\n`);
};
const get = (path: string): string =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "";
/** A function of the machine that boots, with its identity as sysfs shows it. */
const present = (address: string, id: string, subsystem: string): void => {
  const folder = `/sys/bus/pci/devices/${address}`;
  for (const [name, [first, second]] of Object.entries({
    "": id.split(":"),
    subsystem_: subsystem.split(":"),
  })) {
    put(`${folder}/${name}vendor`, `0x${first}`);
    put(`${folder}/${name}device`, `0x${second}`);
  }
  put(`${folder}/driver_override`, "");
};
const overridden = (address: string): string => get(`/sys/bus/pci/devices/${address}/driver_override`).trim();

const cards = [device("03:00.0", "10de:1c81", "030000", 30), device("03:00.1", "10de:0fb9", "040300", 30)];

describe.each(SHELLS)("the script that binds at boot, with %s", (shell) => {
  const run = (wrapped = false, rivals: readonly string[] = []): void => {
    put("/etc/vfio-fleet/bind", bindList(cards).content);
    const text = bindScript({ modules: ["vfio", "vfio_pci"], rivals }).replaceAll(
      /(?<![\w*}])\/(?=(sys|proc|etc|dev|run)\/)/g,
      `${root}/`,
    );
    const script = `PATH='${root}/tools:/usr/bin:/bin'\n${wrapped ? `(\n${text})\necho survived` : text}`;
    const [command, ...args] = shellCommand(shell);
    const { stdout } = spawnSync(command, [...args, "-c", script], { encoding: "utf8" });
    if (wrapped) expect(stdout).toBe("survived\n");
  };

  test("the listed functions get vfio-pci before any driver can have them", () => {
    for (const { address, id, subsystem } of cards) present(address, id, subsystem);
    present("0000:05:00.0", "10de:1c81", "1043:85d8");
    run();
    expect(cards.map(({ address }) => overridden(address))).toEqual(["vfio-pci", "vfio-pci"]);
    expect(get("/modprobe.log").trim().split("\n")).toEqual(["-q vfio", "-q vfio_pci"]);
    expect(get("/sys/bus/pci/drivers_probe").trim()).toBe("0000:03:00.1");
    // a twin that nobody listed stays with the host
    expect(overridden("0000:05:00.0")).toBe("");
  });

  describe("a function that a driver of the kernel itself has already", () => {
    const held = (at: string, driver: string): void => {
      put(`/sys/bus/pci/drivers/${driver}/unbind`, "");
      symlinkSync(`../../drivers/${driver}`, join(root, `/sys/bus/pci/devices/${at}/driver`));
    };
    const unbound = (driver: string): string => get(`/sys/bus/pci/drivers/${driver}/unbind`).trim();

    test("is taken from it, whatever the driver, when vfio-pci is there; the log says from whom", () => {
      for (const { address, id, subsystem } of cards) present(address, id, subsystem);
      present("0000:05:00.0", "10de:1ad8", "1043:85d8");
      put("/sys/bus/pci/drivers/vfio-pci/bind", "");
      held("0000:03:00.0", "nouveau");
      held("0000:03:00.1", "xhci_hcd");
      held("0000:05:00.0", "xhci_hcd");
      run();
      expect(unbound("nouveau")).toBe("0000:03:00.0");
      // a function that nobody listed stays
      expect(unbound("xhci_hcd")).toBe("0000:03:00.1");
      expect(get("/dev/kmsg")).toContain("0000:03:00.1:");
      expect(get("/sys/bus/pci/drivers_probe").trim()).toBe("0000:03:00.1");
    });

    test("stays with it when vfio-pci does not load", () => {
      for (const { address, id, subsystem } of cards) present(address, id, subsystem);
      held("0000:03:00.1", "xhci_hcd");
      run();
      expect(unbound("xhci_hcd")).toBe("");
    });

    test("is left alone when vfio-pci has it, or when it is not the listed one", () => {
      present("0000:03:00.0", "10de:1c81", "1043:85d8");
      present("0000:03:00.1", "10de:ffff", "1043:85d8");
      held("0000:03:00.0", "vfio-pci");
      held("0000:03:00.1", "xhci_hcd");
      run();
      expect(unbound("vfio-pci")).toBe("");
      expect(unbound("xhci_hcd")).toBe("");
      expect(get("/sys/bus/pci/drivers_probe")).toBe("");
    });
  });

  test("another card at the address is left alone, and the kernel log says so", () => {
    present("0000:03:00.0", "10de:1c03", "1043:85d8");
    present("0000:03:00.1", "10de:0fb9", "1458:3747");
    run();
    expect(overridden("0000:03:00.0")).toBe("");
    expect(overridden("0000:03:00.1")).toBe("");
    expect(get("/sys/bus/pci/drivers_probe")).toBe("");
  });

  test("bound by id: drivers of this boot wait for vfio-pci, those of a boot without the script do not", () => {
    run();
    expect(existsSync(join(root, "run/modprobe.d/vfio-fleet.conf"))).toBe(false);
    run(false, ["nouveau", "snd_hda_intel"]);
    expect(get("/run/modprobe.d/vfio-fleet.conf")).toBe(
      "softdep nouveau pre: vfio-pci\nsoftdep snd_hda_intel pre: vfio-pci\n",
    );
  });

  test("nothing at the address after a renumbering", () => {
    present("0000:04:00.0", "10de:1c81", "1043:85d8");
    run();
    expect(overridden("0000:04:00.0")).toBe("");
    expect(existsSync(join(root, "sys/bus/pci/devices/0000:03:00.0"))).toBe(false);
  });

  test("vfio_fleet=off on the command line: nothing is bound, and whoever runs the script goes on", () => {
    for (const { address, id, subsystem } of cards) present(address, id, subsystem);
    put("/proc/cmdline", "root=UUID=1 ro vfio_fleet=off module_blacklist=vfio_pci");
    run(true, ["nouveau"]);
    expect(cards.map(({ address }) => overridden(address))).toEqual(["", ""]);
    expect(get("/modprobe.log")).toBe("");
    expect(existsSync(join(root, "run"))).toBe(false);
    expect(get("/dev/kmsg")).toContain("off, as the kernel command line says");
  });
});
