import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { drivers } from "../../../components/drivers/registry.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import { recordedHosts, type RecordedHost } from "../support/recorded-hosts.ts";

/**
 * A power cut at every write of a boot file, from the first one of `boot` to the last one of `leave`. What writes in place
 * leaves half a file first. Then the host boots what its boot loader would take, which has to be whole, and the same steps
 * finish.
 */
const WANTED = "argument iommu=pt\nmodule vfio_pci\n";
const TOKEN = "2026-01-02T03:04:05.000Z";
let host: FakeAgent;

const named = <D extends { readonly name: string }>(known: readonly D[], { driver }: RecordedHost): D => {
  const found = known.find(({ name }) => name === driver);
  if (!found) throw new Error(`no driver ${driver}`);
  return found;
};

/** The power goes when as many writes as `left` says have been made, and nothing is written any more. */
const CUT =
  'left=$(cat "$ROOT/left"); [ "$left" -gt 0 ] || { kill -9 $PPID; exit 1; }; echo $((left - 1)) >"$ROOT/left"';

/** Files that a boot depends on: on a partition that the boot loader reads, or what a step goes by after a boot. */
const BOOTS =
  'case "$*" in *"$ROOT"/boot/* | *"$ROOT"/efi/* | *"$ROOT"/run/vfio-fleet/esp* | */boot/armed* | */boot/applied*) ;; *) exec';

interface Chosen {
  readonly initrds: readonly (string | undefined)[];
  readonly arguments: string;
}
/** A boot loader and a generator on a recorded host, with what the loader does at a boot. */
interface Machine {
  /** lines in front of the verbs */
  readonly shell: string;
  /** the path of its initramfs */
  readonly image: string;
  /** the arguments with which each disk booted before */
  readonly usual: readonly string[];
  /** what boots now, from each disk that may be the one; a choice for one boot is used up */
  boot(): readonly Chosen[];
}

/** The loader's host with the generator's kernel and image in place of its own. */
const start = (loader: RecordedHost, generator: RecordedHost): Machine => {
  const release = (of: RecordedHost): string => (of.root["/proc/sys/kernel/osrelease"] ?? "").trim();
  const version = release(loader);
  const renamed = (text: string, from: RecordedHost): string => {
    const own = (name: string | undefined): string => (name ?? "").replaceAll(release(generator), version);
    return (["kernel", "image"] as const)
      .reduce((all, name) => (from[name] ? all.replaceAll(from[name], own(generator[name])) : all), text)
      .replaceAll(release(from), version);
  };
  host = new FakeAgent(
    {
      bootloader: named(drivers.bootloader, loader),
      initramfs: named(drivers.initramfs, generator),
      distro: debian,
    },
    "dash",
  );
  for (const from of [generator, loader]) {
    for (const [path, content] of Object.entries(from.root))
      host.file(renamed(path, from), renamed(content, from), { exact: true });
    for (const [name, lines] of Object.entries(from.tools))
      host.tool(name, `cut() { ${CUT}; }\n${renamed(lines, from)}`);
  }
  host.folder("/sys/firmware/efi/efivars");
  host.file("/arguments", "", { exact: true });
  host.tool("uname", `echo ${version}`);
  for (const name of ["systemctl", "virsh", "systemd-run", "sleep"])
    host.tool(name, name === "systemctl" ? "[ $1 != -q ]" : ":");
  for (const name of ["mv", "rm"])
    host.tool(name, `${BOOTS} /bin/${name} "$@" ;; esac; ${CUT}; exec /bin/${name} "$@"`);
  // a copy stands there half at first
  host.tool(
    "cp",
    `${BOOTS} /bin/cp "$@" ;; esac; for to in "$@"; do :; done; [ -d "$to" ] || echo half >"$to"; ${CUT}; exec /bin/cp "$@"`,
  );
  // what it has not is not found, this machine's own included; neither are programs that would list its guests
  const without = ["qm", "pct", ...loader.without].map((name) => `"-v ${name}"`).join(" | ");
  const boot = (): readonly Chosen[] => {
    const { status, output, errors } = host.program(renamed(loader.boot ?? "", loader), []);
    expect({ status, errors, output }).toMatchObject({ status: 0, errors: "" });
    return output
      .split("disk\n")
      .slice(1)
      .map((lines) => ({
        initrds: [...lines.matchAll(/^initrd (.*)/gm)].map(([, path = ""]) => host.read(path)),
        arguments: /^arguments (.*)/m.exec(lines)?.[1] ?? "",
      }));
  };
  return {
    shell: loader.without.length === 0 ? "" : `command() { case "$1 $2" in ${without}) return 1 ;; esac; }\n`,
    image: `/boot/${renamed(loader.image ?? "", loader)}`,
    usual: boot().map(({ arguments: line }) => line),
    boot,
  };
};

const verb = (machine: Machine, words: string) =>
  host.call(
    `${machine.shell}TOKEN=${TOKEN} ASKED= RECEIPT=$STATE/receipts/${words.split(" ")[0]}; verb_${words}`,
    WANTED,
  );
const powered = (writes: number): void => host.file("/left", String(writes));

let boots = 0;
/** Takes what the boot loader takes, which has to be whole, and comes up with it. */
const rebooted = (machine: Machine): readonly Chosen[] => {
  // what was mounted, and what lay in /run, is gone
  for (const entry of host.list("/run/vfio-fleet"))
    host.rename(`/run/vfio-fleet/${entry}`, `/gone-${++boots}`);
  const disks = machine.boot();
  for (const [at, chosen] of disks.entries()) {
    expect(chosen.initrds.length).toBeGreaterThan(0);
    for (const initrd of chosen.initrds) expect(["old image\n", "new image\n"]).toContain(initrd);
    expect(chosen.arguments).toContain(machine.usual[at]);
  }
  host.file("/proc/sys/kernel/random/boot_id", `boot-${++boots}`);
  host.file("/proc/cmdline", `BOOT_IMAGE=x ${disks[0]?.arguments}`);
  return disks;
};

/** What `up` does until it has nothing left to do. */
const finish = (machine: Machine): void => {
  for (let tries = 0; tries < 3; tries++) {
    expect(verb(machine, "boot")).toMatchObject({ status: 0, errors: "" });
    if (host.read("/var/lib/vfio-fleet/boot/armed") !== undefined) rebooted(machine);
    if (verb(machine, "prove auto").status === 0) return;
  }
  throw new Error("up does not come through");
};
const apply = (): void => {
  host.file("/arguments", " iommu=pt", { exact: true });
  host.file("/image", "new image");
};

/**
 * Calls a verb from the host's present state with one write more each time, until it ends by itself. After each cut the host
 * boots; now and then, and from the last cut, the whole is finished.
 * @returns how often it was cut
 */
const cutAtEveryWrite = (
  machine: Machine,
  words: string,
  booted: (chosen: Chosen) => void,
  finished: () => void,
): number => {
  const saved = mkdtempSync(join(tmpdir(), "vfio-fleet-cuts-"));
  const copy = { recursive: true, verbatimSymlinks: true } as const;
  cpSync(host.root, saved, copy);
  try {
    for (let writes = 0; writes < 60; writes++) {
      powered(writes);
      const { status } = verb(machine, words);
      powered(1000);
      if (status !== 0) rebooted(machine).forEach(booted);
      if (status === 0 || writes === 4) {
        finish(machine);
        finished();
      }
      if (status === 0) return writes;
      rmSync(host.root, { recursive: true });
      cpSync(saved, host.root, copy);
    }
  } finally {
    rmSync(saved, { recursive: true });
  }
  throw new Error(`${words} never ends`);
};

const loaders = recordedHosts("bootloader").filter(({ boot }) => boot !== undefined);
const generators = recordedHosts("initramfs").filter(({ image }) => image !== undefined);
/** Every loader with one generator, every generator with one loader. */
const CASES = [
  ...loaders.flatMap((loader) => generators.slice(0, 1).map((generator) => [loader, generator] as const)),
  ...generators
    .slice(1)
    .flatMap((generator) => loaders.slice(0, 1).map((loader) => [loader, generator] as const)),
].map(([loader, generator]) => [loader.name, generator.name, loader, generator] as const);

test("every boot loader that is driven, and every generator, boots here", () => {
  const driven = drivers.bootloader.filter(({ scripts }) => scripts.length > 0).map(({ name }) => name);
  expect([...new Set(loaders.map(({ driver }) => driver))].sort()).toEqual(driven.sort());
  expect([...new Set(generators.map(({ driver }) => driver))].sort()).toEqual(
    drivers.initramfs.map(({ name }) => name).sort(),
  );
});

describe.each(CASES)("a power cut at every write: %s, %s", (_, __, loader, generator) => {
  afterEach(() => host.remove());
  const make = (): readonly [Machine, () => void] => {
    const machine = start(loader, generator);
    powered(1000);
    apply();
    const isDone = (): void => {
      expect(host.read(machine.image)).toBe("new image\n");
      const disks = rebooted(machine);
      expect(disks.map(({ arguments: line }) => line)).toEqual(
        machine.usual.map((line) => `${line} iommu=pt`),
      );
      for (const { initrds } of disks) expect(new Set(initrds)).toEqual(new Set(["new image\n"]));
      expect(host.list("/boot").filter((file) => /trial|part|new$/.test(file))).toEqual([]);
    };
    return [machine, isDone];
  };

  test("while the trial is prepared: the old configuration boots, or the trial", { timeout: 120_000 }, () => {
    const [machine, isDone] = make();
    const cuts = cutAtEveryWrite(
      machine,
      "boot",
      ({ arguments: line, initrds }) => {
        const image = line.includes("vfio_fleet.trial=") ? "new image\n" : "old image\n";
        expect(new Set(initrds)).toEqual(new Set([image]));
      },
      isDone,
    );
    expect(cuts).toBeGreaterThan(3);
  });

  test("while what was proved becomes the default: either boots", { timeout: 120_000 }, () => {
    const [machine, isDone] = make();
    expect(verb(machine, "boot")).toMatchObject({ status: 0, errors: "" });
    rebooted(machine);
    const cuts = cutAtEveryWrite(machine, "prove auto", () => {}, isDone);
    expect(cuts).toBeGreaterThan(3);
  });
});
