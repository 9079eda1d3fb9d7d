import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}
const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const lock = json("package-lock.json") as { readonly packages: Record<string, LockedPackage> };
const manifest = json("package.json") as Record<string, Record<string, string>>;
const installed = Object.entries(lock.packages).filter(
  ([path, { link }]) => path.startsWith("node_modules/") && !link,
);

describe("npm packages", () => {
  test("each is locked to one content from a registry", () => {
    expect(installed.length).toBeGreaterThan(100);
    for (const [path, { integrity, resolved = "" }] of installed) {
      expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-[A-Za-z0-9+/]{86}==$/)]);
      expect([path, resolved]).toEqual([path, expect.stringMatching(/^(https:\/\/\S+\.tgz)?$/)]);
    }
  });

  test("package.json names exact versions", () => {
    for (const [name, version] of Object.entries({
      ...manifest["dependencies"],
      ...manifest["devDependencies"],
    }))
      expect([name, version]).toEqual([name, expect.stringMatching(/^(\d+\.\d+\.\d+|file:sdks\/libvirt)$/)]);
  });

  test("each package with an install script is either allowed or denied", () => {
    const scripted = installed
      .filter(([, one]) => one.hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ""));
    const decided = Object.keys(manifest["allowScripts"] ?? {});
    expect(scripted.filter((name) => !decided.includes(name) && name !== "fsevents")).toEqual([]);
  });
});

describe("Go modules", () => {
  const folders = readdirSync("toolchain", { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(`toolchain/${entry.name}`).includes("go.mod"))
    .map((entry) => entry.name);

  test.each(folders)("%s: every module has its sum", (folder) => {
    const sums = new Set(
      readFileSync(`toolchain/${folder}/go.sum`, "utf8")
        .split("\n")
        .map((line) =>
          line
            .split(" ")
            .slice(0, 2)
            .join(" ")
            .replace(/\/go\.mod$/, ""),
        ),
    );
    const text = readFileSync(`toolchain/${folder}/go.mod`, "utf8");
    const replaced = new Set(
      [...text.matchAll(/^(?:replace )?\t?(\S+)(?: \S+)? =>/gm)].map(([, name]) => name),
    );
    const wanted = [...text.matchAll(/^(?:require )?\t?([\w.-]+\.[\w.-]+\/\S+) (v\S+)/gm)].filter(
      ([, name]) => !replaced.has(name),
    );
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.map(([, name, version]) => `${name} ${version}`).filter((one) => !sums.has(one))).toEqual(
      [],
    );
  });
});

describe("Pulumi's downloads", () => {
  const NAME = "pulumi-v1.2.3-linux-x64.tar.gz";
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vfio-fleet-downloads-"));
    mkdirSync(join(folder, "toolchain"));
    mkdirSync(join(folder, "served/releases/sdk"), { recursive: true });
    mkdirSync(join(folder, "out"));
    mkdirSync(join(folder, "pulumi"));
    writeFileSync(join(folder, "pulumi/pulumi"), "the program");
    execFileSync("tar", ["-czf", join(folder, "served/releases/sdk", NAME), "-C", folder, "pulumi"]);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const digest = (): string =>
    createHash("sha256")
      .update(readFileSync(join(folder, "served/releases/sdk", NAME)))
      .digest("hex");
  const download = (pins: string) => {
    writeFileSync(join(folder, "toolchain/downloads.sha256"), pins);
    const { status, stdout, stderr } = spawnSync(
      "bash",
      [
        "-c",
        'uname() { if [ "$1" = -m ]; then echo x86_64; else echo Linux; fi; }; note() { echo "$@"; }; with_progress() { shift; "$@"; }; . toolchain/downloads.sh; ROOT=$1; download_cli "$1/out"',
        "-",
        folder,
      ],
      {
        encoding: "utf8",
        env: {
          ...process.env,
          PULUMI_VERSION: "1.2.3",
          VFIO_FLEET_DOWNLOADS: `file://${folder}/served`,
        },
      },
    );
    return { status, said: stdout + stderr, got: readdirSync(join(folder, "out")) };
  };

  test("a download that matches its pin is unpacked", () => {
    expect(download(`# comment\n${digest()}  ${NAME}\n`)).toEqual({ status: 0, said: "", got: ["pulumi"] });
  });

  test("another content is refused with both digests before it is unpacked", () => {
    const other = "0".repeat(64);
    const { status, said, got } = download(`${other}  ${NAME}\n`);
    expect([status, got]).toEqual([1, []]);
    expect(said).toContain(
      `${NAME}: refused, because its sha256 is ${digest()}, but toolchain/downloads.sha256 has ${other}`,
    );
  });

  test("a download without a pin is used, with a note", () => {
    expect(download(`${digest()}  pulumi-v1.2.2-linux-x64.tar.gz\n`)).toMatchObject({
      status: 0,
      said: expect.stringContaining(`${NAME} has no digest`),
      got: ["pulumi"],
    });
  });

  test("the list has digests of this version's files only", () => {
    const versions = readFileSync("toolchain/versions.sh", "utf8").match(/(?<=^[A-Z_]+VERSION=)\S+/gm) ?? [];
    expect(versions).toHaveLength(3);
    const lines = readFileSync("toolchain/downloads.sha256", "utf8").trimEnd().split("\n");
    for (const line of lines.filter((line) => !line.startsWith("#"))) {
      expect(line).toMatch(/^[0-9a-f]{64}  pulumi(-resource-(command|libvirt))?-v\S+-linux-\w+\.tar\.gz$/);
      expect(versions.some((version) => line.includes(`-v${version}-`))).toBe(true);
    }
  });
});
