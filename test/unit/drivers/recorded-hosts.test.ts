import { expect, test } from "vitest";
import { driverQuestion } from "../../../components/drivers/question.ts";
import { drivers } from "../../../components/drivers/registry.ts";
import type { BootloaderDriver, DistroDriver, InitramfsDriver } from "../../../components/plan/driver.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import { factsOf, probed, recordedHosts, type RecordedHost } from "../support/recorded-hosts.ts";

/** Every driver of the registry, on every host that was recorded for it: what it asks is enough to know its host. */
const table = (hosts: readonly RecordedHost[]): (readonly [string, RecordedHost])[] =>
  hosts.map((host) => [host.name, host]);
const detected = <D extends BootloaderDriver | InitramfsDriver | DistroDriver>(
  known: readonly D[],
  facts: Facts,
): D => {
  const driver = known.find((one) => one.detect(facts));
  if (!driver) throw new Error("no driver detects it");
  return driver;
};

test.each(["bootloader", "initramfs", "distro"] as const)(
  "each %s driver has a recorded host, each host a driver",
  (kind) => {
    const names: string[] = drivers[kind].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect([...new Set(recordedHosts(kind).map(({ driver }) => driver))].sort()).toEqual(names.sort());
  },
);

test("no driver reads a file as a whole of which another one looks at some lines", () => {
  const excerpts = driverQuestion.excerpts.map(({ path }) => path);
  expect(driverQuestion.files.filter((path) => excerpts.includes(path))).toEqual([]);
});

const loaders = recordedHosts("bootloader");

test.each(table(loaders))(
  "%s: the boot loader is the one that booted, whatever else lies around",
  (_, host) => {
    expect(detected(drivers.bootloader, factsOf(host)).name).toBe(host.driver);
  },
);

test.each(table(loaders.filter(({ refused }) => refused === undefined)))(
  "%s: can have a trial boot",
  (_, host) => {
    const facts = factsOf(host);
    expect(detected(drivers.bootloader, facts).refuse(facts, ["iommu=pt"])).toEqual([]);
  },
);

test.each(table(loaders.filter(({ refused }) => refused !== undefined)))(
  "%s: refused with the line to write",
  (_, host) => {
    const facts = factsOf(host);
    expect(detected(drivers.bootloader, facts).refuse(facts, ["iommu=pt"])).toEqual([
      expect.objectContaining({ remedy: expect.stringContaining(host.refused ?? "") }),
    ]);
  },
);

test.each(table(loaders.filter(({ menu }) => menu)))(
  "%s: arguments that its menu lacks are named, those that it has are not",
  (_, host) => {
    const facts = factsOf(host);
    const driver = detected(drivers.bootloader, facts);
    expect(driver.lacks(facts, ["iommu=pt", "a.b=1"])).toEqual(["iommu=pt", "a.b=1"]);
    const root = { ...host.root };
    for (const [path, lines] of Object.entries(host.menu ?? {}))
      root[path] = root[path]?.replaceAll(new RegExp(`${lines}.*`, "gm"), "$& iommu=pt") ?? "";
    expect(driver.lacks(factsOf({ ...host, root }), ["iommu=pt", "a.b=1"])).toEqual(["a.b=1"]);
  },
);

test.each(table(recordedHosts("initramfs")))(
  "%s: the generator that builds, whatever another left",
  (_, host) => {
    const facts = probed(host);
    const driver = detected(drivers.initramfs, facts);
    expect(driver.name).toBe(host.driver);
    expect(facts.initramfs.images.map((image) => image.split(":")[0])).toEqual(
      host.image === undefined ? [] : [`/boot/${host.image}`],
    );
  },
);

test.each(table(recordedHosts("distro")))(
  "%s: the distribution, and the versions of what it brought",
  (_, host) => {
    const facts = probed(host);
    const driver = detected(drivers.distro, facts);
    expect(driver.name).toBe(host.driver);
    const version = (names: readonly string[]): string | undefined => {
      const found = names.map((name) => facts.packages[name]).find((text) => typeof text === "string");
      return found === undefined ? undefined : driver.upstreamVersion(found);
    };
    expect({ libvirt: version(driver.versions.libvirt), QEMU: version(driver.versions.QEMU) }).toEqual({
      libvirt: host.versions?.libvirt,
      QEMU: host.versions?.QEMU,
    });
    expect(driver.packages).toContain(driver.firmware.package);
  },
);
