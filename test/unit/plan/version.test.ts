import { expect, test } from "vitest";
import { isOlder } from "../../../components/plan/version.ts";

test.each([
  ["9.0.0", "10.0.0", true],
  ["10.0.0", "9.0.0", false],
  ["7.2", "7.2.0", false],
  ["7.2", "7.2.1", true],
  // what a distribution puts behind it makes it no older
  ["4.1.0-37-amd64", "4.1", false],
  ["6.17.1-arch1-1", "6.17.1", false],
  ["4.0.9-rc1", "4.1", true],
  ["1.2.3.4.5", "1.2.3.4", false],
  ["6.8+", "6.8", false],
  ["", "4.1", true],
  ["unknown", "0.1", true],
])("%j is older than %s: %s", (version, than, older) => {
  expect(isOlder(version, than)).toBe(older);
});
