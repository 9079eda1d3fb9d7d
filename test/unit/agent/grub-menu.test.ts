import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EVERY_SHELL, shellCommand } from "../support/fake-host.ts";

const PART = new URL("../../../components/drivers/bootloader/grub/menu-entry.sh", import.meta.url);
const recorded = readFileSync(
  new URL(
    "../../../components/drivers/bootloader/grub/hosts/debian-12/root/boot/grub/grub.cfg",
    import.meta.url,
  ),
  "utf8",
);
const withDefault = (value: string): string => recorded.replace('set default="0"', `set default="${value}"`);
const OLD = "6.1.0-37-amd64";
const NEW = "6.1.0-38-amd64";
const OLD_ENTRY = "gnulinux-advanced-a52b>gnulinux-6.1.0-37-amd64-advanced-a52b";

/** A menu of one entry a kernel, with nothing of a distribution in it. */
const menuOf = (...entries: readonly string[]): string =>
  entries.map((head) => `${head} {\n\tlinux /boot/vmlinuz-${/\b\d\b/.exec(head)?.[0]} ro\n}\n`).join("");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vfio-fleet-menu-"));
  writeFileSync(join(folder, "grub-editenv"), '#!/bin/sh\necho "saved_entry=$SAVED"\n', { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(EVERY_SHELL)("the entry of GRUB's menu that boots, read by %s", (shell) => {
  /** The part alone, with what it needs of the agent and of GRUB; busybox with its own awk. */
  const entryOf = (cfg: string, kernels: readonly string[], saved = ""): string[] => {
    writeFileSync(join(folder, "grub.cfg"), cfg);
    const script = [
      readFileSync(PART, "utf8"),
      'kernel_image() { printf "%s\\n" "/boot/vmlinuz-$1"; }',
      ...(shell === "busybox" ? ['awk() { busybox awk "$@"; }'] : []),
      `GRUB='${folder}'`,
      'grub_entry "$@"',
    ].join("\n");
    const [command, ...args] = shellCommand(shell);
    const { stdout, stderr } = spawnSync(command, [...args, "-c", script, "sh", ...kernels], {
      encoding: "utf8",
      env: { ...process.env, PATH: `${folder}:${process.env["PATH"]}`, SAVED: saved },
    });
    expect(stderr).toBe("");
    return stdout.trim().split(" ");
  };

  test.each([
    ["the first entry", "0", "", NEW],
    ["no default at all", "", "", NEW],
    ["a number in a submenu", "1>2", "", OLD],
    ["a submenu alone: its first entry", "1", "", NEW],
    ["a title", "Debian GNU/Linux", "", NEW],
    [
      "titles of two levels",
      "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1.0-37-amd64",
      "",
      OLD,
    ],
    ["ids of two levels", OLD_ENTRY, "", OLD],
    ["what was saved", "${saved_entry}", OLD_ENTRY, OLD],
    ["nothing saved yet", "${saved_entry}", "", NEW],
    ["an entry that is gone: GRUB takes the first", "gnulinux-5.10", "", NEW],
    ["a number beyond the last: the first of that menu", "1>99", "", NEW],
    ["another system: the running kernel's entry", "osprober-efi-1111", "", OLD],
  ])("Debian's menu, %s", (_, value, saved, version) => {
    const found = entryOf(withDefault(value), [OLD, NEW], saved);
    expect(found[2]).toBe(version);
    // GRUB's EFI build of some distributions says linuxefi
    const efi = withDefault(value).replaceAll(/^(\t+)linux\t/gm, "$1linuxefi\t");
    expect(efi).not.toBe(withDefault(value));
    expect(entryOf(efi, [OLD, NEW], saved)).toEqual(found);
  });

  test("the lines are those of the entry, from its head to its closing brace", () => {
    const [from = "", to = ""] = entryOf(withDefault(OLD_ENTRY), [OLD, NEW]);
    const lines = recorded.split("\n").slice(Number(from) - 1, Number(to));
    expect(lines[0]).toMatch(/^\tmenuentry 'Debian GNU\/Linux, with Linux 6\.1\.0-37-amd64'/);
    expect(lines.at(-1)?.trim()).toBe("}");
    expect(lines.filter((line) => line.trim() === "}")).toHaveLength(1);
  });

  test.each([
    [
      "single quotes, double quotes and backslashes",
      String.raw`menuentry "a \"b\" c" 1`,
      String.raw`a \"b\" c`,
      1,
    ],
    ["a title without quotes", "menuentry plain --id x 1", "plain", 1],
    ["an id in front of the title's classes", "menuentry 'a' --id two --class linux 1", "two", 1],
    ["a title with the sign between levels", "menuentry 'a>b' 1", "a>>b", 1],
  ])("%s", (_, head, value, version) => {
    const cfg = `set default="${value}"\n${menuOf("menuentry 'other' 3")}${menuOf(head)}`;
    expect(entryOf(cfg, ["1", "2", "3"])[2]).toBe(String(version));
  });

  test("of kernels that the default does not boot the one named first; recovery entries never", () => {
    const cfg = `menuentry 'Windows' {\n\tchainloader /x\n}\n${menuOf("menuentry 'Linux 1 (recovery mode)'", "menuentry 'Linux 1'", "menuentry 'Linux 2'")}`;
    expect(entryOf(cfg, ["2", "1"])[2]).toBe("2");
    expect(entryOf(cfg, ["1", "2"])).toEqual(["7", "9", "1"]);
    expect(entryOf(cfg, ["9"])).toEqual([""]);
    expect(entryOf("", ["1"])).toEqual([""]);
  });
});
