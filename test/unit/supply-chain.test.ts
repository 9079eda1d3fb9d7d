import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

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
  test("each is locked to one content, from a registry", () => {
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

  test("whether a package may run a script at its installation was decided for each that has one", () => {
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

  test.each(folders)("%s: every module it asks for has its sum", (folder) => {
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
