import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const versionOf = (variable: string): string | undefined =>
  new RegExp(`^${variable}=(.*)$`, "m").exec(read("toolchain/versions.sh"))?.[1];
const packageVersion = (path: string): unknown => JSON.parse(read(path)).version;

test("the toolchain's Pulumi and plugins have the versions of the npm packages and of the Go modules", () => {
  expect(versionOf("PULUMI_VERSION")).toBe(packageVersion("node_modules/@pulumi/pulumi/package.json"));
  expect(versionOf("COMMAND_PLUGIN_VERSION")).toBe(
    packageVersion("node_modules/@pulumi/command/package.json"),
  );
  expect(versionOf("LIBVIRT_PLUGIN_VERSION")).toBe(packageVersion("sdks/libvirt/package.json"));
  expect(read("toolchain/pulumi-cli/go.mod")).toContain(
    `github.com/pulumi/pulumi/pkg/v3 v${versionOf("PULUMI_VERSION")}\n`,
  );
  expect(read("toolchain/command-plugin/main.go")).toContain(
    `version = "${versionOf("COMMAND_PLUGIN_VERSION")}"`,
  );
  expect(read("toolchain/libvirt-plugin/provider/provider.go")).toContain(
    `Version = "${versionOf("LIBVIRT_PLUGIN_VERSION")}"`,
  );
});
