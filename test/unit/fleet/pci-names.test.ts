import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { deviceName } from "../../../components/facts/pci-ids.ts";
import { newestList, pciNames } from "../../../fleet/ground/pci-names.ts";

const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-names-"));
afterAll(() => rmSync(folder, { recursive: true }));
const list = (name: string, version: string): string => {
  const path = join(folder, name);
  writeFileSync(path, `#\n#\tList of PCI IDs\n#\n#\tVersion: ${version}\n#\n\n10de  NVIDIA Corporation\n`);
  return path;
};

test("the newest list counts by the version in it, wherever it lies; what is no list does not", () => {
  const old = list("old", "2023.04.10");
  const newer = list("newer", "2026.01.02");
  writeFileSync(join(folder, "empty"), "");
  mkdirSync(join(folder, "folder"));
  const others = [join(folder, "empty"), join(folder, "folder"), join(folder, "nowhere")];
  expect(newestList([old, ...others, newer])).toBe(newer);
  expect(newestList([newer, old])).toBe(newer);
  expect(newestList([newer, list("same", "2026.01.02")])).toBe(newer);
  expect(newestList(others)).toBeUndefined();
});

test.each([
  ["1002:1900", /^AMD Radeon 760M/],
  ["1002:744c", /^AMD Radeon RX 7900/],
  ["10de:2b85", /^NVIDIA GeForce RTX 5090/],
  ["8086:e20b", /^Intel Arc B580/],
])("%s has a name, however old the system's list is", (id, name) => {
  expect(deviceName(pciNames(), id)).toMatch(name);
});
