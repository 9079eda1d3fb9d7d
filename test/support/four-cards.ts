import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KIB, makeEfi, makeRom } from "../unit/support/option-rom.ts";
import { fleet, labDomain, sharingDomains } from "./domain-checks.ts";
import { bootGuest, installGuests } from "./guests.ts";
import type { LabStack } from "./lab-stack.ts";

/** A ROM for the stand-in GPU: an EFI image with its ids. */
export const ROM = Buffer.from(
  makeRom([
    makeEfi(64 * KIB, { last: true, pci: { vendorId: 0x1234, deviceId: 0x1111, classCode: 0x038000 } }),
  ]),
);
const CARDS = ["one", "two", "three", "four"] as const;
export const functionsOf = (place: number): readonly string[] => [
  `0000:0${place}:00.0`,
  `0000:0${place}:00.1`,
];

/** The test of a host with four cards: three running domains have all of them. */
export const fourCards = (given: () => LabStack) => {
  let folder: string;
  let changes: Parameters<typeof sharingDomains>[1] = {};
  let further: object = {};
  let libvirt: object = {};
  const describeDomains = (): void =>
    given().describe((host) => ({
      ...host,
      libvirt,
      cards: Object.fromEntries(
        CARDS.map((card, index) => [
          card,
          {
            address: functionsOf(index + 1)[0],
            ids: ["1234:1111", "8086:293e"],
            // The host has the last card while no domain runs with it.
            ...(card === "four" && { idle: "host", rom: { file: join(folder, "four.rom") } }),
          },
        ]),
      ),
      domains: {
        ...sharingDomains("one", changes),
        pair: labDomain({
          gpus: ["two", "three"],
          machine: "q35",
          state: "running",
          shutdownTimeoutSeconds: 1,
          afterTimeout: "power-off",
        }),
        report: labDomain({ gpus: { any: 1 }, patch: bootGuest("report", "report"), memory: "256 MiB" }),
        ...further,
      },
    }));
  const driversOf = async (place: number): Promise<string[]> =>
    (
      await given().read(
        functionsOf(place)
          .map((address) => `basename $(readlink /sys/bus/pci/devices/${address}/driver)`)
          .join("; "),
      )
    ).split("\n");
  const qemu = (domain: string): Promise<string> =>
    given().read(`tr '\\0' ' ' </proc/$(cat /run/libvirt/qemu/${domain}.pid)/cmdline`);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "vfio-fleet-domains-"));
    writeFileSync(join(folder, "four.rom"), ROM);
    await installGuests(given().host);
    describeDomains();
  });
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  test("up hands four cards to three running domains, one of which takes any card", async () => {
    const stack = given();
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await driversOf(4)).toEqual(["bochs-drm", "snd_hda_intel"]);
    const assigned = await fleet("gpu", "assign", "any", "--to", "report", "--stack", stack.host);
    expect([assigned.exitCode, assigned.stderr]).toEqual([0, ""]);
    expect(assigned.stdout).toMatch(/report is to run with four$/m);
    expect(await stack.read("virsh -q list --name | sort | xargs")).toBe("alpha pair report");
    const held: readonly (readonly [domain: string, places: readonly number[]])[] = [
      ["alpha", [1]],
      ["pair", [2, 3]],
      ["report", [4]],
    ];
    for (const [domain, places] of held) {
      const command = await qemu(domain);
      for (const place of [1, 2, 3, 4])
        for (const address of functionsOf(place))
          expect([domain, address, command.includes(address)]).toEqual([
            domain,
            address,
            places.includes(place),
          ]);
    }
    for (const place of [1, 2, 3, 4]) expect(await driversOf(place)).toEqual(["vfio-pci", "vfio-pci"]);
    // Firmware that looks for a boot device, and GRUB that waits, keep a processor busy. The host's own work has
    // priority.
    await stack.read("virsh -q suspend pair; systemctl set-property --runtime machine.slice CPUWeight=1");
  });

  return {
    driversOf,
    change: (wanted: typeof changes): void => {
      changes = wanted;
      describeDomains();
    },
    addDomains: (wanted: object): void => {
      further = wanted;
      describeDomains();
    },
    setLibvirt: (wanted: object): void => {
      libvirt = wanted;
      describeDomains();
    },
  };
};
