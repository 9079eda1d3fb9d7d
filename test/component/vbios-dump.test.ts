import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { grubPlain } from "../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { startSshd, type Sshd } from "../support/sshd.ts";
import { FakeAgent } from "../unit/support/fake-agent.ts";
import { plugIn, stateOf, type FakeCard } from "../unit/support/fake-card.ts";
import { ipxeRom } from "../unit/support/option-rom.ts";

/** The real program over a real SSH connection, with a made-up /sys behind it. */
const MAIN = new URL("../../fleet/main.ts", import.meta.url).pathname;
const REPOSITORY = new URL("../..", import.meta.url).pathname;
const ADDRESS = "0000:01:00.0";
const ROM = readFileSync(ipxeRom("efi-e1000e.rom"));

let host: FakeAgent;
let sshd: Sshd;
let folder: string;
beforeEach(async () => {
  host = new FakeAgent({ bootloader: grubPlain, initramfs: initramfsTools, distro: debian }, "dash");
  sshd = await startSshd([`ForceCommand ${host.forceCommand()}`]);
  folder = mkdtempSync(join(tmpdir(), "vfio-fleet-dump-"));
});
afterEach(async () => {
  await sshd.stop();
  host.remove();
  rmSync(folder, { recursive: true });
});

const insert = (card: Partial<FakeCard> = {}): void =>
  plugIn(host, { address: ADDRESS, id: "8086:10d3", rom: ROM, driver: "vfio-pci", control: "auto", ...card });
const output = (): string => join(folder, "card.rom");
const dump = (...more: readonly string[]) => {
  const target = `${sshd.user}@127.0.0.1:${sshd.port}`;
  const login = ["--identity", sshd.privateKeyFile, "--host-key", sshd.hostKey, "--ssh-config", "/dev/null"];
  return execa("node", [MAIN, "vbios", "dump", target, "01:00.0", "-o", output(), ...login, ...more], {
    preferLocal: true,
    localDir: REPOSITORY,
    reject: false,
  });
};

test("every byte arrives and is checked for the card, which is left as it was", async () => {
  insert();
  const before = stateOf(host, ADDRESS);
  const { stdout, stderr, exitCode } = await dump();
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^Usable for an OVMF guest with card 8086:10d3\.$/m);
  expect(exitCode).toBe(0);
  expect(Buffer.compare(readFileSync(output()), ROM)).toBe(0);
  expect(host.read("/reads")).toBe("read: switch 1, power on, command 7\n");
  expect(stateOf(host, ADDRESS)).toEqual(before);
});

test("another card's ROM is written and reported as unusable", async () => {
  insert({ id: "1234:1111" });
  const { stdout, exitCode } = await dump();
  expect(stdout).toMatch(/^error +ids +made for 8086:10d3, not for this card \(1234:1111\)/m);
  expect(exitCode).toBe(1);
  expect(Buffer.compare(readFileSync(output()), ROM)).toBe(0);
});

test("bytes that are no ROM are not written", async () => {
  insert({ rom: new Uint8Array(4096).fill(0xff) });
  const { stderr, exitCode } = await dump();
  expect(stderr).toMatch(/what 0000:01:00\.0 \(8086:10d3\) returned is not a ROM; no file was written/);
  expect(exitCode).toBe(1);
  expect(existsSync(output())).toBe(false);
});

test("a refusal gives its reason once and writes nothing", async () => {
  insert({ driver: "nouveau" });
  const { stderr, exitCode } = await dump();
  expect(stderr).toMatch(/^vfio-fleet: .*: 0000:01:00\.0 is in use by the host \(driver nouveau\)[^\n]*$/);
  expect(exitCode).toBe(1);
  expect(existsSync(output())).toBe(false);
});

test("an existing file is kept and the card is not read; --force overwrites it", async () => {
  insert();
  writeFileSync(output(), "mine");
  const kept = await dump();
  expect(kept.stderr).toMatch(/card\.rom: it exists already; --force overwrites it/);
  expect(kept.exitCode).toBe(2);
  expect(readFileSync(output(), "utf8")).toBe("mine");
  expect(host.read("/reads")).toBeUndefined();
  expect((await dump("--force")).exitCode).toBe(0);
  expect(Buffer.compare(readFileSync(output()), ROM)).toBe(0);
});
