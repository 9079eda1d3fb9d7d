import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { ipxeRom, KIB, makeEfi, makeRom } from "../unit/support/option-rom.ts";

/** A GPU that shows a network card's ROM, and a network card that shows its own. */
const GPU = "0000:01:00.0";
const NETWORK = "0000:02:00.0";
const BOARD_DISPLAY = "00:04.0";
const SHOWN = readFileSync(ipxeRom("efi-e1000e.rom"));
/** A ROM for the stand-in GPU: an EFI image with its ids. */
const FITTING = Buffer.from(
  makeRom([
    makeEfi(64 * KIB, { last: true, pci: { vendorId: 0x1234, deviceId: 0x1111, classCode: 0x038000 } }),
  ]),
);
const FOLDER = "/usr/share/qemu/vfio-fleet";

const MAIN = new URL("../../fleet/main.ts", import.meta.url).pathname;
const REPOSITORY = new URL("../..", import.meta.url).pathname;
const fleet = (...args: readonly string[]) =>
  execa("node", [MAIN, ...args], { preferLocal: true, localDir: REPOSITORY, reject: false });

describe("the video BIOS on a real host", () => {
  let stack: LabStack;
  let folder: string;
  const local = (name: string): string => join(folder, name);
  /** What the stack says of the two cards' ROMs, and whether there is a domain. */
  const describeRoms = (roms: { gpu?: object; network?: object }, domain = true): void =>
    stack.describe((host) => ({
      ...host,
      storage: {},
      cards: {
        "stand-in": { address: GPU, ids: ["1234:1111", "8086:293e"], ...(roms.gpu && { rom: roms.gpu }) },
        network: { address: NETWORK, ids: ["8086:10d3"], ...(roms.network && { rom: roms.network }) },
      },
      domains: domain
        ? {
            // everything of the profile that AppArmor has to let QEMU open: Secure Boot's firmware, a TPM, shared memory
            guest: {
              profile: "windows-11",
              lookingGlass: { sizeMiB: 1 },
              virtualization: "qemu",
              memory: "256 MiB",
              topology: { sockets: 1, cores: 1, threads: 1 },
              gpus: ["stand-in", "network"],
              disks: [],
              state: "running",
              shutdownTimeoutSeconds: 1,
              afterTimeout: "power-off",
            },
          }
        : {},
    }));
  const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  const digestOf = (card: string): Promise<string> =>
    stack.read(`sha256sum <${FOLDER}/${card}.rom | cut -d' ' -f1`);
  /** sysfs answers a read of the ROM with EINVAL while the switch is off. */
  const switchIsOff = (address: string): Promise<string> =>
    stack.read(`cat /sys/bus/pci/devices/${address}/rom 2>&1 | head -c 200`);

  beforeAll(async () => {
    stack = await startLabStack("lab-rom", "lab-xeon", "test-vbios");
    folder = mkdtempSync(join(tmpdir(), "vfio-fleet-vbios-"));
    writeFileSync(local("fitting.rom"), FITTING);
    describeRoms({}, false);
    // as on an ordinary Debian, which the lab's small image is not: libvirt confines QEMU
    await stack.read(
      "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends apparmor" +
        " && systemctl restart apparmor libvirtd && virsh capabilities | grep '<model>apparmor</model>'",
    );
  });
  afterAll(async () => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
    await stack?.remove();
  });

  test.each([
    ["the boot display", BOARD_DISPLAY, /is the boot display/],
    ["a card that the host uses", "network", /in use by the host \(driver e1000e\)/],
  ])("dump: %s is refused, and no file is written", async (_, card, pattern) => {
    const { exitCode, stderr } = await fleet("rom", "dump", stack.host, card, "-o", local("refused.rom"));
    expect(stderr).toMatch(pattern);
    expect(exitCode).toBe(1);
    expect(existsSync(local("refused.rom"))).toBe(false);
  });

  test("preview: a ROM for another card is refused with the judgement", async () => {
    describeRoms({ gpu: { file: ipxeRom("efi-e1000e.rom") } });
    const { code, output } = await stack.preview();
    expect(output).toMatch(
      /cards\.stand-in\.rom\.file: .*efi-e1000e\.rom cannot work for 1234:1111: made for 8086:10d3, not for this card/,
    );
    expect(code).not.toBe(0);
  });

  test("up: a file and a dump are on the host byte for byte, in the domain, and QEMU has them", async () => {
    describeRoms({ gpu: { file: local("fitting.rom") }, network: { dump: true } });
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await digestOf("stand-in")).toBe(digest(FITTING));
    expect(await digestOf("network.dump")).toBe(digest(SHOWN));
    expect(await switchIsOff(NETWORK)).toMatch(/Invalid argument/);
    const xml = await stack.read("virsh dumpxml guest");
    const roms = [...xml.matchAll(/bus='0x(\d\d)'[^]*?<rom bar='on' file='([^']*)'/g)];
    expect(roms.map(([, , file]) => file)).toEqual([`${FOLDER}/stand-in.rom`, `${FOLDER}/network.dump.rom`]);
    expect(xml.match(/<rom /g)).toHaveLength(2);
    // QEMU opens the files as it starts, under libvirt's AppArmor profile
    expect(await stack.read("virsh -q domstate guest")).toBe("running");
    expect(await stack.read("cat /proc/$(cat /run/libvirt/qemu/guest.pid)/attr/current")).toMatch(
      /^libvirt-[0-9a-f-]+ \(enforce\)/,
    );
    const qemu = await stack.read("tr '\\0' ' ' </proc/$(cat /run/libvirt/qemu/guest.pid)/cmdline");
    for (const file of ["stand-in.rom", "network.dump.rom"]) expect(qemu).toContain(`${FOLDER}/${file}`);
  });

  test("the windows-11 profile runs confined: Secure Boot's firmware, a TPM of its own, Looking Glass's memory", async () => {
    const qemu = await stack.read("tr '\\0' ' ' </proc/$(cat /run/libvirt/qemu/guest.pid)/cmdline");
    for (const text of ["OVMF_CODE_4M.ms.fd", "tpm-crb", "ivshmem-plain"]) expect(qemu).toContain(text);
    expect(await stack.read("readlink /proc/$(cat /run/libvirt/qemu/swtpm/*-guest-swtpm.pid)/exe")).toBe(
      "/usr/bin/swtpm",
    );
    expect(await stack.read("stat -c %s /dev/shm/looking-glass-guest")).toBe(String(1024 * KIB));
    expect(await stack.read("ls /var/lib/libvirt/swtpm")).toBe(await stack.read("virsh -q domuuid guest"));
  });

  test("the preview after it is clean; a ROM that was changed on the host is drift", async () => {
    const clean = await stack.preview("--expect-no-changes");
    expect(clean.code, clean.output).toBe(0);
    await stack.read(`printf x >>${FOLDER}/stand-in.rom`);
    const { output } = await stack.preview();
    expect(output).toContain(`the host differs: ${FOLDER}/stand-in.rom was changed`);
    expect(output).not.toContain(FITTING.toString("base64").slice(0, 40));
  });

  test("dump: a card that a running domain has is refused by the domain's name", async () => {
    const { exitCode, stderr } = await fleet(
      "rom",
      "dump",
      stack.host,
      "network",
      "-o",
      local("refused.rom"),
    );
    expect(stderr).toMatch(/in use by the running domain guest: shut it down/);
    expect(exitCode).toBe(1);
  });

  test("dump: byte for byte what the card shows, judged, and everything is put back", async () => {
    await stack.read("virsh -q destroy guest");
    const power = "cat /sys/bus/pci/devices/*/power/control";
    // without the ROM's BAR: what stood there after a guest, the kernel replaces by the address that it assigned, switched off
    const config = `for d in ${GPU} ${NETWORK}; do c=/sys/bus/pci/devices/$d/config; od -An -tx1 -N48 $c; od -An -tx1 -j52 -N12 $c; od -An -tu1 -j48 -N1 $c | grep -c "[13579]$" || :; done`;
    // the stand-in GPU cannot sleep, the network card does while vfio-pci has it and nobody uses it
    const sleeps = async (): Promise<void> => {
      await expect
        .poll(() => stack.read(`cat /sys/bus/pci/devices/${NETWORK}/power_state`), { timeout: 60_000 })
        .toBe("D3hot");
    };
    await sleeps();
    const before = [await stack.read(power), await stack.read(config)];
    const dumped = await fleet("rom", "dump", stack.host, "network", "-o", local("network.rom"));
    expect(dumped.stdout).toMatch(/^Usable for an OVMF guest with card 8086:10d3\.$/m);
    expect(dumped.exitCode).toBe(0);
    expect(Buffer.compare(readFileSync(local("network.rom")), SHOWN)).toBe(0);
    const other = await fleet("rom", "dump", stack.host, "stand-in", "-o", local("gpu.rom"));
    expect(other.stdout).toMatch(/^error +ids +made for 8086:10d3, not for this card \(1234:1111\)/m);
    expect(other.exitCode).toBe(1);
    expect(Buffer.compare(readFileSync(local("gpu.rom")), SHOWN)).toBe(0);
    for (const address of [GPU, NETWORK]) expect(await switchIsOff(address)).toMatch(/Invalid argument/);
    expect([await stack.read(power), await stack.read(config)]).toEqual(before);
    await sleeps();
  });

  test("dump: a file that exists is overwritten with --force only", async () => {
    writeFileSync(local("mine.rom"), "mine");
    const kept = await fleet("rom", "dump", stack.host, "network", "-o", local("mine.rom"));
    expect(kept.stderr).toMatch(/exists already; --force/);
    expect(kept.exitCode).toBe(2);
    expect(readFileSync(local("mine.rom"), "utf8")).toBe("mine");
    await fleet("rom", "dump", stack.host, "network", "-o", local("mine.rom"), "--force");
    expect(Buffer.compare(readFileSync(local("mine.rom")), SHOWN)).toBe(0);
  });

  test("up: a dump that cannot work ends it with the judgement, the domain stays as it was", async () => {
    describeRoms({ gpu: { dump: true }, network: { dump: true } });
    const before = await stack.read("virsh dumpxml --inactive guest");
    const { code, output } = await stack.up();
    expect(output).toMatch(/cards\.stand-in\.rom\.dump: what the card shows cannot work for 1234:1111/);
    expect(code).not.toBe(0);
    expect(await stack.read("virsh dumpxml --inactive guest")).toBe(before);
  });

  test("up: without files and with the ROM hidden nothing is left of them", async () => {
    describeRoms({ gpu: { bar: "off" } });
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect([...(await stack.read("virsh dumpxml --inactive guest")).matchAll(/<rom .*/g)].join()).toBe(
      "<rom bar='off'/>",
    );
    expect(await stack.read("ls -A /usr/share/qemu | grep vfio-fleet || true")).toBe("");
  });
});
