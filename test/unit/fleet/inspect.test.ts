import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { detectedDrivers } from "../../../components/drivers/choose.ts";
import { documentJsonSchema, documentSchema } from "../../../fleet/targets/facts-file/document.ts";
import { makeDocument } from "../../../fleet/targets/facts-file/make.ts";
import { CommandError } from "../../../fleet/ground/command-error.ts";
import { inspect } from "../../../fleet/inspect/inspect.ts";
import { renderHost } from "../../../fleet/inspect/render.ts";
import { printable } from "../../../fleet/ground/terminal.ts";
import { parsePciIds } from "../../../components/facts/pci-ids.ts";
import { hostFacts, hostFile, hostNames } from "../../fixtures/hosts.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

const names = parsePciIds("10de  NVIDIA Corporation\n\t1c81  GP107 [GeForce GTX 1050]\n");
const render = (name: string, all = false): string =>
  renderHost(name, hostFacts(name), { all, names, paint: (_, text) => text });

describe.each(hostNames())("%s", (name) => {
  test.each([false, true])("fits into 100 columns (all: %s) and shows everything in plain text", (all) => {
    const text = render(name, all);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(text).not.toMatch(/undefined|NaN|\[object/);
    expect(text).toContain("IOMMU groups: ");
  });

  test("lists every device once under its group", () => {
    const facts = hostFacts(name);
    const lines = render(name).split("\n");
    const from = lines.findIndex((line) => line.startsWith("IOMMU groups:"));
    let group = "";
    const found = lines.slice(from + 2).flatMap((line) => {
      const match = /^(\d+|-|) *([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) /.exec(line);
      if (!match) return [];
      group = match[1] === "" ? group : (match[1] ?? "");
      return [`${group} 0000:${match[2]}`];
    });
    const wanted = facts.pci.map((device) => `${device.iommuGroup ?? "-"} ${device.address}`);
    expect(found.sort()).toEqual(wanted.sort());
  });
});

test("colour comes from the paint only", () => {
  const facts = hostFacts("xeon-e5-v3");
  const plain = renderHost("x", facts, { all: false, names, paint: (_, text) => text });
  const painted = renderHost("x", facts, {
    all: false,
    names,
    paint: (_, text) => `\u{1b}[1m${text}\u{1b}[22m`,
  });
  expect(plain).not.toContain("\u{1b}");
  expect(stripVTControlCharacters(painted)).toBe(plain);
});

test("a plain user learns which facts are missing", () => {
  const text = render("optimus-laptop");
  expect(text).toContain("Not known: the kernel's log; who holds the firmware's frame buffer;");
  expect(render("xeon-e5-v3")).not.toContain("Not known");
});

test("control characters from a host move no cursor", () => {
  const facts = xeonFacts({ hostname: "evil\u{1b}[2J", cmdline: "a\u{7}b" });
  const text = renderHost("evil", facts, { all: false, names, paint: (_, text) => text });
  expect(text.replaceAll("\n", "")).toBe(stripVTControlCharacters(printable(text.replaceAll("\n", ""))));
});

test("docs/facts.schema.json matches the facts (update: vitest run -u test/unit/fleet/inspect.test.ts)", async () => {
  await expect(`${JSON.stringify(documentJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
    "../../../docs/facts.schema.json",
  );
});

test("every property of the JSON schema's cards has a description, and saved documents match the schema", () => {
  const document = makeDocument([{ name: "x", facts: hostFacts("eight-cards") }], {
    takenAt: "2026-01-01T00:00:00.000Z",
    masked: true,
    names,
  });
  expect(documentSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document);
});

test("a document of the format before this one is read, and means the same", () => {
  const earlier = JSON.parse(readFileSync(hostFile("lab-xeon"), "utf8")) as {
    readonly format: string;
    readonly hosts: readonly [{ readonly facts: { readonly boot: Record<string, unknown> } }];
  };
  expect(earlier.format).toBe("vfio-fleet-facts/1");
  const { boot } = earlier.hosts[0].facts;
  const facts = hostFacts("lab-xeon");
  expect(facts.excerpts?.["/boot/grub/grub.cfg"]).toEqual(boot["grubLinux"]);
  expect(facts.exists).toEqual(expect.arrayContaining(boot["present"] as string[]));
  expect(detectedDrivers(facts)).toEqual({
    bootloader: "grub",
    initramfs: "initramfs-tools",
    distro: "debian",
  });
});

describe("the program", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "vfio-fleet-inspect-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ["fleet/main.ts", "inspect", ...args], {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
    });

  test("reads a saved file, prints JSON, and saves a file that it can read again", () => {
    const saved = join(folder, "saved.json");
    const first = run("--from", hostFile("xeon-e5-v3"), "--save", saved, "--json");
    expect(first.status).toBe(0);
    const document = documentSchema.parse(JSON.parse(first.stdout));
    expect(document.hosts[0]?.cards?.map(({ address, verdict }) => [address, verdict])).toEqual([
      ["0000:01:00.0", "headless"],
      ["0000:03:00.0", "ready"],
    ]);
    expect(readFileSync(saved, "utf8")).toBe(first.stdout);
    const again = run("--from", saved);
    expect(again.status).toBe(0);
    expect(again.stdout).toContain("win10");
    expect(again.stdout).not.toContain("\u{1b}");
  }, 30_000);

  test("an error has no stack trace and exit status 2", () => {
    const { status, stdout, stderr } = run("--from", "LICENSE");
    expect(stderr).toMatch(/^vfio-fleet: LICENSE is not JSON/);
    expect(stderr).not.toContain("    at ");
    expect([status, stdout]).toEqual([2, ""]);
  }, 30_000);
});

describe("each mistake is one clear error", () => {
  test("a saved file is never overwritten", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-inspect-"));
    const saved = join(folder, "kept.json");
    writeFileSync(saved, "mine");
    const saving = inspect(undefined, { from: hostFile("fx-8350"), save: saved });
    await expect(saving).rejects.toThrow(/exists already/);
    expect(readFileSync(saved, "utf8")).toBe("mine");
    rmSync(folder, { recursive: true });
  });

  test.each([
    ["nowhere", {}, /no stack "nowhere".*lab-xeon.*user@nowhere/s],
    [undefined, {}, /give a stack, an SSH target/],
    ["xeon", { from: "x.json" }, /give one of them/],
    [undefined, { from: "/nowhere.json" }, /no such file/],
    [undefined, { from: "package.json" }, /is not a facts file.*format/s],
    [undefined, { from: "LICENSE" }, /is not JSON/],
    ["x y@z", {}, /neither a stack .* nor an SSH target/],
    ["-oProxyCommand=id@z", {}, /neither a stack/],
  ])("%s %j", async (target, options, message) => {
    await expect(inspect(target, options)).rejects.toThrow(message);
    await expect(inspect(target, options)).rejects.toBeInstanceOf(CommandError);
  });
});
