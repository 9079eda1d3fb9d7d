import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { identify, isRunning, kill } from "../../lab/machine/process.ts";

/** The real `./setup` with its own cache; Go and the Pulumi on PATH are stand-ins. */
const SETUP = new URL("../../setup", import.meta.url).pathname;
/** No server listens there. */
const NO_DOWNLOADS = "http://127.0.0.1:9";

let folder: string;
const at = (...path: readonly string[]): string => join(folder, ...path);
const program = (path: string, lines: string): void => {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
};
const pulumiOf = (version: string): string =>
  `case $1 in
  version) echo ${version} ;;
  plugin) there=$PULUMI_HOME/plugins/resource-$4-v$5; mkdir -p $there; echo '#!/bin/sh' >$there/pulumi-resource-$4; chmod 755 $there/pulumi-resource-$4 ;;
esac`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vfio-fleet-setup-"));
  mkdirSync(at("home"));
  // A build that has to stop removes the file `hold` and leaves its process id in `held`.
  program(
    at("tools", "go"),
    `echo "$*" >>${at("builds")}
if rm ${at("hold")} 2>/dev/null; then echo $$ >${at("held.new")}; mv ${at("held.new")} ${at("held")}; exec sleep 600; fi
while [ "$1" != -o ]; do shift; done
mkdir -p "\${2%/*}"; echo '#!/bin/sh' >"$2"; chmod 755 "$2"`,
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

const setup = (steps: string, more: Readonly<Record<string, string>> = {}) =>
  execa(SETUP, ["--only", steps], {
    all: true,
    reject: false,
    extendEnv: false,
    env: {
      PATH: `${at("tools")}:/usr/bin:/bin`,
      HOME: at("home"),
      VFIO_FLEET_CACHE: at("cache"),
      VFIO_FLEET_DOWNLOADS: NO_DOWNLOADS,
      ...more,
    },
  });
const builds = (): string[] =>
  existsSync(at("builds"))
    ? readFileSync(at("builds"), "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/^.*\/bin\/(\S+) .*$/, "$1"))
    : [];
const pieces = (): string[] =>
  readdirSync(at("cache", "toolchain")).map((name) => name.replace(/-[^-]*$/, ""));

/** A mirror of the downloads, with a CLI that fetches plugins. */
const mirror = async (): Promise<Server> => {
  program(at("archive", "pulumi", "pulumi"), pulumiOf("v3.250.0"));
  program(at("archive", "pulumi", "pulumi-language-nodejs"), "");
  await execa("tar", ["-czf", at("pulumi.tar.gz"), "-C", at("archive"), "pulumi"]);
  const server = createServer((request, answer) => {
    const found = /^\/releases\/sdk\/pulumi-v[\d.]+-linux-(x64|arm64)\.tar\.gz$/.test(request.url ?? "");
    answer.writeHead(found ? 200 : 404).end(found ? readFileSync(at("pulumi.tar.gz")) : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return server;
};

describe("the source of Pulumi", () => {
  test("a Pulumi on PATH that is new enough is used, with the user's own plugins", async () => {
    program(at("own", "pulumi"), pulumiOf("v3.251.1"));
    program(at("own", "pulumi-language-nodejs"), "");
    program(at("mine", "plugins/resource-command-v1.2.1/pulumi-resource-command"), "");
    const { all, exitCode } = await setup("pulumi,command-plugin", {
      PATH: `${at("own")}:${at("tools")}:/usr/bin:/bin`,
      PULUMI_HOME: at("mine"),
    });
    expect(all).toContain(`from PATH: ${at("own", "pulumi")}`);
    expect(all).toContain(`published plugin in ${at("mine", "plugins/resource-command-v1.2.1")}`);
    expect(exitCode).toBe(0);
    expect(builds()).toEqual([]);
  });

  test("otherwise it is downloaded if possible: an older one on PATH does not count", async () => {
    program(at("tools", "pulumi"), pulumiOf("v3.100.0"));
    program(at("tools", "pulumi-language-nodejs"), "");
    const server = await mirror();
    try {
      const { port } = server.address() as AddressInfo;
      const { all, exitCode } = await setup("pulumi,command-plugin", {
        VFIO_FLEET_DOWNLOADS: `http://127.0.0.1:${port}`,
      });
      expect(all).toMatch(/^pulumi .*official download/m);
      expect(all).toMatch(/^command-plugin .*official download/m);
      expect(exitCode).toBe(0);
      expect(builds()).toEqual([]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("otherwise it is built from Go modules, which is printed; the next run builds nothing, and the home folder stays clean", async () => {
    const { all, exitCode } = await setup("pulumi,command-plugin,libvirt-plugin");
    expect(all?.match(/cannot be reached within 3 s: building from Go modules instead/g)).toHaveLength(1);
    expect(exitCode).toBe(0);
    const built = [
      "pulumi",
      "pulumi-language-nodejs.bin",
      "pulumi-resource-command",
      "pulumi-resource-libvirt",
    ];
    expect(builds()).toEqual(built);
    const again = await setup("pulumi,command-plugin,libvirt-plugin");
    expect(again.all).toMatch(/^pulumi .*built from Go modules/m);
    expect(again.exitCode).toBe(0);
    expect(builds()).toEqual(built);
    expect(readdirSync(at("home"))).toEqual([]);
  });

  test("a failed build shows its output and leaves nothing behind", async () => {
    program(at("tools", "go"), "echo 'no space left on device' >&2; exit 1");
    const { all, exitCode } = await setup("command-plugin");
    expect(all).toMatch(/building pulumi-resource-command failed with status 1[^]*no space left on device/);
    expect(exitCode).not.toBe(0);
    expect(existsSync(at("cache", "pulumi-home"))).toBe(false);
  });
});

test("two runs in parallel do the work once", async () => {
  const both = await Promise.all([setup("command-plugin"), setup("command-plugin")]);
  expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(builds()).toEqual(["pulumi-resource-command"]);
});

test.each(["SIGTERM", "SIGKILL"] as const)(
  "after %s in a build, the next run finishes it",
  async (signal) => {
    writeFileSync(at("hold"), "");
    const first = setup("command-plugin");
    await vi.waitUntil(() => existsSync(at("held")), { timeout: 20_000 });
    const building = identify(Number(readFileSync(at("held"), "utf8")));
    const runs = (): boolean => isRunning(building, "sleep");
    try {
      first.kill(signal);
      expect((await first).exitCode).not.toBe(0);
      // A stopped setup ends its build; the rest of a killed one holds no lock.
      if (signal === "SIGTERM") await vi.waitUntil(() => !runs(), { timeout: 20_000 });
      const next = await setup("command-plugin");
      expect(runs()).toBe(signal === "SIGKILL");
      expect(next.all).toMatch(/^command-plugin .*the drop-in/m);
      expect(next.exitCode).toBe(0);
    } finally {
      kill(building, "sleep");
    }
    expect(pieces()).toEqual(["command-plugin-1.2.1"]);
  },
);

test("nothing goes to standard output, where the answers of the commands behind it stand", async () => {
  const built = await setup("command-plugin");
  expect(built.stderr).toMatch(/^ +building pulumi-resource-command/m);
  const again = await setup("command-plugin");
  expect(again.stderr).toMatch(/^command-plugin /m);
  expect([built.stdout, again.stdout]).toEqual(["", ""]);
});

test("what is shown of a build is the package that is being compiled, not the download before it", async () => {
  writeFileSync(at("log"), "go: downloading example.org/last v1.0.0\n");
  program(
    at("go"),
    `bash -c 'exec -a /go/pkg/tool/compile bash -c "echo >${at("compiling")}; read -r _" -o out -p example.org/large/package -std' <&3`,
  );
  const { stdout } = await execa(
    "bash",
    [
      "-euc",
      `. toolchain/steps.sh
      mkfifo ${at("end")}
      exec 3<>${at("end")}
      ${at("go")} & RUNNING=$!
      until [ -e ${at("compiling")} ]; do :; done
      under_way ${at("log")}
      echo >&3
      wait $RUNNING
      under_way ${at("log")}`,
    ],
    { cwd: new URL("../..", import.meta.url).pathname, env: { CACHE: at("cache") } },
  );
  expect(stdout).toBe(", compiling example.org/large/package, go: downloading example.org/last v1.0.0");
});

test("a step that there is not", async () => {
  const { all, exitCode } = await setup("pulumy");
  expect(all).toContain("unknown step: pulumy");
  expect(exitCode).toBe(2);
});
