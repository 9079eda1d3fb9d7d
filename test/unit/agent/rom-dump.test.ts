import { afterEach, describe, expect, test } from "vitest";
import { grubPlain } from "../../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent, type Ran } from "../support/fake-agent.ts";
import { plugIn, stateOf, type FakeCard } from "../support/fake-card.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";
import { ipxeRom, readBytes } from "../support/option-rom.ts";

const ADDRESS = "0000:01:00.0";
const ID = "8086:10d3";
const FILE = "/usr/share/qemu/vfio-fleet/network.rom";
const ROM = readBytes(ipxeRom("efi-e1000e.rom"));

let host: FakeAgent;
afterEach(() => host.remove());
const start = (shell: Shell, card: Partial<FakeCard> = {}): void => {
  host = new FakeAgent({ bootloader: grubPlain, initramfs: initramfsTools, distro: debian }, shell);
  plugIn(host, { address: ADDRESS, id: ID, rom: ROM, driver: "vfio-pci", ...card });
  host.folder("/usr/share/qemu");
};
const dump = (token = "t1"): Ran => host.run(["dump", FILE, ADDRESS, ID, `token=${token}`]);
/** Compared as buffers: a matcher takes seconds over as many bytes. */
const isRom = (bytes: Uint8Array): boolean => Buffer.compare(bytes, ROM) === 0;
const expectRom = ({ status, errors, output }: Ran): void => {
  expect({ status, errors }).toEqual({ status: 0, errors: expect.not.stringContaining("vfio-fleet:") });
  expect(isRom(Buffer.from(output, "base64"))).toBe(true);
};

describe.each(SHELLS)("reading a card's ROM, with %s", (shell) => {
  test("every byte, with the switch on for the reading and off again", () => {
    start(shell);
    const before = stateOf(host, ADDRESS);
    expect(before["switch"]).toBe("0");
    expectRom(host.call(`rom_read ${ADDRESS} ${ID}`));
    expect(host.read("/reads")).toBe("read: switch 1, power on, command 7\n");
    expect(stateOf(host, ADDRESS)).toEqual(before);
  });

  test("a card that sleeps is woken, gets memory decoding, and is put back as it was", () => {
    start(shell, { control: "auto", command: 4 });
    const before = stateOf(host, ADDRESS);
    expectRom(host.call(`rom_read ${ADDRESS}`));
    expect(host.read("/reads")).toBe("read: switch 1, power on, command 6\n");
    expect(stateOf(host, ADDRESS)).toEqual(before);
  });

  test.each([
    ["the reading fails", "exit 1", 1],
    ["nothing comes", "exit 0", 1],
    ["it is terminated", "kill -TERM $PPID; sleep 0.2", 1],
    ["the connection hangs up", "kill -HUP $PPID; sleep 0.2", 1],
  ])("all is put back when %s", (_, onRead, status) => {
    start(shell, { control: "auto", command: 0 });
    const before = stateOf(host, ADDRESS);
    host.file("/on-read", onRead);
    const ran = host.call(`rom_read ${ADDRESS} ${ID}`);
    expect({ status: ran.status, output: ran.output }).toEqual({ status, output: "" });
    expect(host.read("/reads")).toBe("read: switch 1, power on, command 2\n");
    expect(stateOf(host, ADDRESS)).toEqual(before);
  });

  test("a card that cannot be woken is not read, and stays as it was", () => {
    start(shell, { control: "auto", powerState: "D3hot" });
    const before = stateOf(host, ADDRESS);
    const { status, errors } = host.call(`rom_read ${ADDRESS}`);
    expect(status).toBe(1);
    expect(errors).toMatch(/0000:01:00\.0 sleeps \(D3hot\)[^]*disable_idle_d3=1/);
    expect(host.read("/reads")).toBeUndefined();
    expect(stateOf(host, ADDRESS)).toEqual(before);
  });

  describe("refused, and the card is not touched", () => {
    const refused = (pattern: RegExp, words = `${ADDRESS} ${ID}`): void => {
      const before = stateOf(host, ADDRESS);
      const { status, output, errors } = host.call(`rom_read ${words}`);
      expect({ status, output }).toEqual({ status: 1, output: "" });
      expect(errors).toMatch(pattern);
      expect(host.read("/reads")).toBeUndefined();
      expect(stateOf(host, ADDRESS)).toEqual(before);
    };

    test("the boot display", () => {
      start(shell, { bootVga: true });
      refused(/is the boot display/);
    });
    test("a driver of the host", () => {
      start(shell, { driver: "nouveau" });
      refused(/in use by the host \(driver nouveau\)/);
    });
    test("a running domain", () => {
      start(shell);
      host.file(
        "/run/libvirt/qemu/win10.xml",
        `<domstatus state='running'><domain><devices><hostdev><source>
<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source></hostdev></devices></domain></domstatus>`,
      );
      refused(/in use by the running domain win10: shut it down/);
    });
    test("a process that has the IOMMU group open", () => {
      start(shell);
      host.descriptor("/proc/4242/fd/7", "/dev/vfio/12");
      refused(/in use by a process \(\/dev\/vfio\/12 is open\)/);
    });
    test("another card in the slot", () => {
      start(shell);
      refused(/is 8086:10d3, expected 10de:1c81/, `${ADDRESS} 10de:1c81`);
    });
    test("no device", () => {
      start(shell);
      refused(/there is no PCI device at 0000:09:00\.0/, "0000:09:00.0");
    });
  });

  test("neither a domain with this place in the guest nor another group's process counts", () => {
    start(shell, { bootVga: false });
    host.file(
      "/run/libvirt/qemu/other.xml",
      "<domstatus><address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></domstatus>",
    );
    host.descriptor("/proc/4242/fd/7", "/dev/vfio/121");
    expectRom(host.call(`rom_read ${ADDRESS} ${ID}`));
  });
});

describe.each(SHELLS)("ROM files on the host, with %s", (shell) => {
  const sha256 = (): string | undefined => host.receipt(FILE)?.["sha256"];

  test("a dump is made once, and again only when its file is not as it was left", () => {
    start(shell);
    expectRom(dump());
    expect(isRom(host.bytes(FILE))).toBe(true);
    expect(host.receipt(FILE)).toMatchObject({ token: "t1", card: `${ADDRESS} ${ID}` });
    const digest = sha256();
    expectRom(dump("t2"));
    expect(host.read("/reads")?.split("\n")).toHaveLength(2);
    expect(host.receipt(FILE)).toMatchObject({ token: "t2", sha256: digest });
    host.file(FILE, "edited");
    expectRom(dump("t3"));
    expect(isRom(host.bytes(FILE))).toBe(true);
    expect(sha256()).toBe(digest);
    expect(host.read("/reads")?.split("\n")).toHaveLength(3);
  });

  test("a dump that fails leaves no file, no receipt, and says why", () => {
    start(shell, { driver: "nouveau" });
    const { status, errors } = dump();
    expect(status).toBe(1);
    expect(errors).toMatch(/driver nouveau/);
    expect(host.list("/usr/share/qemu")).toEqual([]);
    expect(host.list("/var/lib/vfio-fleet/receipts")).toEqual([]);
  });

  test("a file comes in base64 and is every byte; undone, the folder goes with the last file", () => {
    start(shell);
    const other = "/usr/share/qemu/vfio-fleet/other.rom";
    const text = Buffer.from(ROM).toString("base64");
    for (const path of [FILE, other])
      expect(host.run(["rom", path, "token=t1"], `${text}\n`).errors).toBe("");
    expect(isRom(host.bytes(FILE))).toBe(true);
    expect(host.run(["unrom", FILE]).status).toBe(0);
    expect(host.list("/usr/share/qemu/vfio-fleet")).toEqual(["other.rom"]);
    expect(host.run(["unrom", other]).status).toBe(0);
    expect(host.list("/usr/share/qemu")).toEqual([]);
    expect(host.list("/var/lib/vfio-fleet/receipts")).toEqual([]);
    expect(host.list("/var/lib/vfio-fleet/kept")).toEqual([]);
  });

  test("what is no base64 becomes no file", () => {
    start(shell);
    expect(host.run(["rom", FILE, "token=t1"], "!!!").status).not.toBe(0);
    expect(host.list("/usr/share/qemu")).toEqual([]);
  });
});
