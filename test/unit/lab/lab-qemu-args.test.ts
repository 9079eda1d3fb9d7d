import { describe, expect, test } from "vitest";
import type { HostDescription } from "../../../lab/description.ts";
import { HOSTS } from "../../../lab/hosts.ts";
import { type Accelerator, qemuArguments } from "../../../lab/machine/qemu-args.ts";

const argumentsOf = (host: HostDescription, accelerator: Accelerator = "tcg", folder = "/lab"): string[] =>
  qemuArguments({
    name: "tested",
    host,
    files: {
      disk: `${folder}/disk.qcow2`,
      firmware: "/fw/code.fd",
      variables: `${folder}/variables.fd`,
      cardDisk: (card) => `${folder}/disk-${card}.qcow2`,
    },
    sshPort: 2222,
    accelerator,
  });

/** The values of one option, in order. */
const values = (args: readonly string[], option: string): string[] =>
  args.flatMap((arg, index) => (arg === `-${option}` ? [args[index + 1] ?? ""] : []));
const devices = (host: HostDescription): string[] => values(argumentsOf(host), "device");

describe("QEMU's arguments", () => {
  test("an Intel host has VT-d with interrupt remapping and an Intel processor", () => {
    expect(devices(HOSTS["lab-xeon"])).toContain("intel-iommu,intremap=on,caching-mode=on");
    expect(values(argumentsOf(HOSTS["lab-xeon"]), "cpu")).toEqual([
      expect.stringContaining("Xeon(R) CPU E5"),
    ]);
  });

  test("an AMD host has AMD-Vi in a slot of its own, and a processor like the FX-8350", () => {
    const fx = HOSTS["lab-fx8350"];
    expect(devices(fx)).toContain("amd-iommu,intremap=on");
    expect(devices(fx)).toContain("isa-serial,chardev=serial,irq=0");
    expect(devices(fx).filter((device) => /bus=pcie\.0,addr=0x1(,|$)/.test(device))).toEqual([]);
    expect(values(argumentsOf(fx), "cpu")).toEqual([expect.stringContaining("AMD FX(tm)-8350")]);
  });

  test("a host without an IOMMU has neither", () => {
    expect(devices(HOSTS["lab-noiommu"]).filter((device) => device.includes("iommu"))).toEqual([]);
  });

  test("a GPU and its audio are one multifunction card behind their own root port", () => {
    expect(devices(HOSTS["lab-xeon"]).slice(-3)).toEqual([
      "pcie-root-port,id=port1,bus=pcie.0,addr=0x10,chassis=1",
      expect.stringMatching(
        /^secondary-vga,id=stand-in,bus=port1,addr=0x0\.0,multifunction=on,romfile=.*\.rom$/,
      ),
      "ich9-intel-hda,id=stand-in-1,bus=port1,addr=0x0.1",
    ]);
  });

  test("a card alone on its slot is not multifunction", () => {
    const network = devices(HOSTS["lab-carriers"]).find((device) => device.startsWith("e1000e,id=network"));
    expect(network).not.toContain("multifunction");
  });

  test("cards behind a bridge are on its conventional bus", () => {
    const shared = devices(HOSTS["lab-shared"]);
    expect(shared).toContain("pcie-pci-bridge,id=bridge1,bus=port1");
    expect(shared).toContainEqual(expect.stringMatching(/^secondary-vga,id=shared,bus=bridge1,addr=0x1\.0,/));
    expect(shared).toContainEqual(expect.stringMatching(/^e1000,id=neighbour,bus=bridge1,addr=0x2\.0,/));
  });

  test("the boot display is on the board or on the card", () => {
    const displays = (host: HostDescription): (string | undefined)[] =>
      devices(host).flatMap((device) => (device.startsWith("VGA,") ? [/id=([^,]*)/.exec(device)?.[1]] : []));
    expect(displays(HOSTS["lab-xeon"])).toEqual(["board-display"]);
    expect(displays(HOSTS["lab-display"])).toEqual(["only"]);
  });

  test.each(Object.entries(HOSTS))("%s: each id and each place is used once", (_, host) => {
    const all = devices(host);
    const ids = all.flatMap((device) => /,id=([^,]*)/.exec(device)?.[1] ?? []);
    const places = all.flatMap((device) => {
      const bus = /,bus=([^,]*)/.exec(device)?.[1];
      const address = /,addr=([^,]*)/.exec(device)?.[1];
      return bus !== undefined && address !== undefined ? [`${bus} ${address}`] : [];
    });
    expect(ids).toEqual([...new Set(ids)]);
    expect(places).toEqual([...new Set(places)]);
  });

  test.each(Object.entries(HOSTS))("%s: only 127.0.0.1 listens", (_, host) => {
    const args = argumentsOf(host);
    const forwards = args.flatMap((arg) => [...arg.matchAll(/hostfwd=([^,]*)/g)].map((match) => match[1]));
    expect(forwards).toEqual(["tcp:127.0.0.1:2222-:22"]);
    for (const option of ["qmp", "vnc"])
      expect(values(args, option)).toEqual([expect.stringMatching(/^unix:/)]);
  });

  test("a comma in a path does not start another property", () => {
    const args = argumentsOf(HOSTS["lab-carriers"], "tcg", "/a,if=pflash");
    const drives = values(args, "drive").filter((drive) => drive.includes("/a"));
    expect(drives).toHaveLength(3);
    for (const drive of drives) expect(drive).toContain("file=/a,,if=pflash/");
  });

  test("with KVM the interrupt controller is split, which interrupt remapping needs", () => {
    expect(values(argumentsOf(HOSTS["lab-xeon"], "kvm"), "machine")).toEqual(["q35,kernel-irqchip=split"]);
    expect(values(argumentsOf(HOSTS["lab-xeon"], "kvm"), "accel")).toEqual(["kvm"]);
    expect(values(argumentsOf(HOSTS["lab-xeon"]), "accel")).toEqual(["tcg,thread=single"]);
  });
});
