import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ipxeRom,
  KIB,
  makeContainer,
  makeImage,
  makeNvidiaRom,
  makeRom,
  seabiosRom,
} from "../support/option-rom.ts";

const MAIN = new URL("../../../fleet/main.ts", import.meta.url).pathname;
const REPOSITORY = new URL("../../..", import.meta.url).pathname;

/** The real program, as `npm run vfio-fleet -- …` starts it. */
const fleet = (...args: readonly string[]) =>
  execa("node", [MAIN, ...args], { preferLocal: true, localDir: REPOSITORY, reject: false });

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vfio-fleet-vbios-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const save = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
};

const nvidiaDump = () => makeNvidiaRom({ leading: makeContainer(0x600, 2), size: 256 * KIB });
const nvidiaImages = makeNvidiaRom({ size: 128 * KIB });

const ESCAPE = "\u001b";

describe("rom show", () => {
  test("efi-e1000.rom: a table with code types 0 and 3 and their ids", async () => {
    const { stdout, stderr, exitCode } = await fleet(
      "rom",
      "show",
      ipxeRom("efi-e1000.rom"),
      "--card",
      "8086:100e",
    );
    expect(stderr).toBe("");
    expect(stdout).toMatch(/│ 1 │ 0x0 +│.*│ 0 x86 +│ 8086:100e │ 020000 Ethernet │/);
    expect(stdout).toMatch(/│ 2 │ 0x[0-9a-f]+ │.*│ 3 EFI +│ 8086:100e │ 020000 Ethernet │/);
    expect(stdout).toContain("made for this card (8086:100e)");
    expect(stdout).toMatch(/^Usable for an OVMF guest with card 8086:100e\.$/m);
    expect(exitCode).toBe(0);
  });

  test("efi-e1000.rom as JSON", async () => {
    const path = ipxeRom("efi-e1000.rom");
    const { stdout, exitCode } = await fleet("rom", "show", path, "--json", "--card", "8086:100E");
    expect(JSON.parse(stdout)).toMatchObject({
      file: path,
      size: (await readFile(path)).length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      firmware: "ovmf",
      card: "8086:100e",
      verdict: "usable",
      fault: null,
      rom: {
        container: { kind: "none" },
        end: { kind: "last-image" },
        trailingSize: 0,
        images: [
          {
            codeType: 0,
            id: "8086:100e",
            classCode: "020000",
            last: false,
            x86: { checksum: "good" },
            efi: null,
          },
          { codeType: 3, id: "8086:100e", last: true, x86: null, efi: { machine: "8664", subsystem: 11 } },
        ],
      },
    });
    expect(exitCode).toBe(0);
  });

  test("the wrong card, and a ROM with x86 only, give exit status 1", async () => {
    const vga = seabiosRom("vgabios-stdvga.bin");
    const [wrong, x86, seabios] = await Promise.all([
      fleet("rom", "show", ipxeRom("efi-e1000.rom"), "--card", "10de:1c81"),
      fleet("rom", "show", vga),
      fleet("rom", "show", vga, "--firmware", "seabios"),
    ]);
    expect(wrong.stdout).toMatch(/^error +ids +made for 8086:100e, not for this card/m);
    expect(wrong.stdout).toContain("Not usable for an OVMF guest with card 10de:1c81.");
    expect(wrong.exitCode).toBe(1);
    expect(x86.stdout).toContain("Not usable for an OVMF guest.");
    expect(x86.exitCode).toBe(1);
    expect(seabios.stdout).toContain("Usable for a SeaBIOS guest.");
    expect(seabios.exitCode).toBe(0);
  });

  test("an NVIDIA dump of 256 KiB: container, images, private images, and the remedy", async () => {
    const { stdout, exitCode } = await fleet("rom", "show", await save("dump.rom", nvidiaDump()));
    expect(stdout).toMatch(/│ 0x0 +│ 1\.5 KiB .*NVIDIA's container/);
    expect(stdout).toMatch(/│ 1 │ 0x600 +│ 64 KiB/);
    expect(stdout).toMatch(/│ {3}│ 0xc600 +│ 16 KiB .*e0 NVIDIA FwSec/);
    expect(stdout).toMatch(/│ 2 │ 0x10600 +│ 64 KiB/);
    expect(stdout).toContain("once it is patched: vfio-fleet rom patch IN OUT");
    expect(exitCode).toBe(1);
  });

  test("a file without a ROM gives one reason and exit status 1", async () => {
    const path = await save("asleep.rom", new Uint8Array(128 * KIB).fill(0xff));
    const [table, json] = await Promise.all([
      fleet("rom", "show", path),
      fleet("rom", "show", path, "--json"),
    ]);
    expect(table.stdout).toMatch(/^error +content +all 128 KiB are ff: the card did not answer/m);
    expect(table.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      verdict: "unusable",
      rom: null,
      fault: { kind: "uniform" },
    });
    expect(json.exitCode).toBe(1);
  });

  test("a file of gigabytes is not read", async () => {
    const path = await save("huge.rom", new Uint8Array());
    await truncate(path, 64 * 1024 ** 3);
    const { stdout, exitCode } = await fleet("rom", "show", path);
    expect(stdout).toContain("a PCI option ROM has at most 16 MiB");
    expect(exitCode).toBe(1);
  });

  test.each([
    ["a missing file", ["nowhere.rom"], /^vfio-fleet: cannot read .*nowhere\.rom: there is no such file/],
    ["a folder", ["."], /^vfio-fleet: \. is not a file; expected a ROM dump$/],
    ["a device", ["/dev/zero"], /^vfio-fleet: \/dev\/zero is not a file/],
    [
      "a card that is no id",
      [ipxeRom("efi-e1000.rom"), "--card", "gtx1050"],
      /--card: "gtx1050" is not a PCI id such as/,
    ],
    [
      "an unknown firmware",
      [ipxeRom("efi-e1000.rom"), "--firmware", "bios"],
      /Allowed choices are ovmf, seabios/,
    ],
    ["no file", [], /missing required argument 'file'/],
  ])("%s: exit status 2, one clear line and no stack trace", async (_, args, message) => {
    const { stdout, stderr, exitCode } = await fleet("rom", "show", ...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stdout).toBe("");
    expect(exitCode).toBe(2);
  });

  test("text from the file and its name cannot control the terminal", async () => {
    const image = makeImage({
      code: { kind: "x86", initSize: 64 * KIB, pnpPointer: 0x100 },
      size: 64 * KIB,
      last: true,
    });
    const bytes = image.bytes.slice();
    const hostile = `${ESCAPE}]0;owned\u0007${ESCAPE}[2J\r\u009b31m`;
    bytes.set(Buffer.from("$PnP"), 0x100);
    bytes.set([0x40, 0x01, 0x80, 0x01], 0x10e);
    bytes.set(Buffer.from(`${hostile}\0`, "latin1"), 0x140);
    bytes.set(Buffer.from("harmless product\0"), 0x180);
    const path = await save(`${ESCAPE}[31m\u202e.rom`, makeRom([{ ...image, bytes }]));

    const table = await fleet("rom", "show", path);
    expect(table.stdout).toContain("harmless product");
    expect(table.stdout).toContain("owned");
    expect(table.stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);

    const json = await fleet("rom", "show", path, "--json");
    expect(json.stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(json.stdout)).toMatchObject({
      file: path,
      rom: { images: [{ x86: { manufacturer: hostile, product: "harmless product" } }] },
    });
  });

  test("there is colour on a terminal only", async () => {
    const args = ["vbios", "show", ipxeRom("efi-e1000.rom")];
    expect((await fleet(...args)).stdout).not.toContain(ESCAPE);
    const command = ["node", MAIN, ...args].join(" ");
    const onTerminal = await execa(
      "/usr/bin/script",
      ["--quiet", "--return", "--command", command, "/dev/null"],
      {
        preferLocal: true,
        localDir: REPOSITORY,
        env: { TERM: "xterm-256color", NO_COLOR: undefined, CI: undefined },
      },
    );
    expect(onTerminal.stdout).toContain(`${ESCAPE}[32mok`);
  });

  test("a reader that stops early is no failure", async () => {
    const { stderr, exitCode } = await execa(
      "sh",
      ["-c", `node ${MAIN} rom show --json ${ipxeRom("efi-e1000.rom")} | true; exit 0`],
      { preferLocal: true, localDir: REPOSITORY, reject: false },
    );
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });
});

describe("rom patch", () => {
  test("writes the images only, and does not change the dump", async () => {
    const dump = nvidiaDump();
    const input = await save("dump.rom", dump);
    const output = join(folder, "patched.rom");
    const { stdout, stderr, exitCode } = await fleet("rom", "patch", input, output);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("128 KiB written, cut 1.5 KiB before the images and 126.5 KiB after them");
    expect(Buffer.compare(await readFile(output), nvidiaImages)).toBe(0);
    expect(Buffer.compare(await readFile(input), dump)).toBe(0);
    expect((await readdir(folder)).toSorted()).toEqual(["dump.rom", "patched.rom"]);
    expect((await fleet("rom", "show", output, "--card", "10de:1c81")).exitCode).toBe(0);
  });

  test("a file with nothing to cut is copied", async () => {
    const output = join(folder, "copy.rom");
    const { stdout, exitCode } = await fleet("rom", "patch", ipxeRom("efi-e1000.rom"), output);
    expect(stdout).toContain("nothing to cut");
    expect(exitCode).toBe(0);
    expect(Buffer.compare(await readFile(output), await readFile(ipxeRom("efi-e1000.rom")))).toBe(0);
  });

  test.each([
    ["truncated", nvidiaImages.subarray(0, 100 * KIB), /is not patched: 28 KiB of image 2 are missing/],
    ["no ROM", new Uint8Array(128 * KIB), /is not patched: all 128 KiB are 00/],
  ])("%s: nothing is written, exit status 1", async (_, bytes, message) => {
    const input = await save("dump.rom", bytes);
    const { stderr, exitCode } = await fleet("rom", "patch", input, join(folder, "patched.rom"));
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(1);
    expect(await readdir(folder)).toEqual(["dump.rom"]);
  });

  test("an existing file, a dangling link and the dump itself are not overwritten", async () => {
    const dump = nvidiaDump();
    const input = await save("dump.rom", dump);
    const existing = await save("existing.rom", Buffer.from("precious"));
    const dangling = join(folder, "dangling.rom");
    await symlink(join(folder, "target.rom"), dangling);
    for (const output of [existing, dangling, input]) {
      const { stderr, exitCode } = await fleet("rom", "patch", input, output);
      expect(stderr).toMatch(/cannot write .*: the file exists already, and is not overwritten$/);
      expect(exitCode).toBe(2);
    }
    expect(await readFile(existing, "utf8")).toBe("precious");
    expect(existsSync(join(folder, "target.rom"))).toBe(false);
    expect(Buffer.compare(await readFile(input), dump)).toBe(0);
    expect((await readdir(folder)).toSorted()).toEqual(["dangling.rom", "dump.rom", "existing.rom"]);
  });

  test("a missing folder, or a file instead of one, is an error", async () => {
    const input = await save("dump.rom", nvidiaDump());
    const missing = await fleet("rom", "patch", input, join(folder, "missing", "patched.rom"));
    expect(missing.stderr).toMatch(/cannot write .*missing\/patched\.rom: there is no such file or folder$/);
    expect(missing.exitCode).toBe(2);
    const none = await fleet("rom", "patch", input, join(input, "patched.rom"));
    expect(none.stderr).toMatch(/cannot write .*: a part of the path is no folder$/);
    expect(none.exitCode).toBe(2);
  });

  test("of two writers in parallel one writes and the other is refused", async () => {
    const input = await save("dump.rom", nvidiaDump());
    const output = join(folder, "patched.rom");
    const both = await Promise.all([
      fleet("rom", "patch", input, output),
      fleet("rom", "patch", input, output),
    ]);
    expect(both.map(({ exitCode }) => exitCode ?? -1).toSorted((a, b) => a - b)).toEqual([0, 2]);
    expect(Buffer.compare(await readFile(output), nvidiaImages)).toBe(0);
    expect((await readdir(folder)).toSorted()).toEqual(["dump.rom", "patched.rom"]);
  });
});

test("the program's help names the commands, exit status 0; an unknown command gives 2", async () => {
  const help = await fleet("--help");
  expect(help.stdout).toContain("vbios");
  expect(help.exitCode).toBe(0);
  const unknown = await fleet("flash");
  expect(unknown.stderr).toContain("unknown command 'flash'");
  expect(unknown.exitCode).toBe(2);
});
