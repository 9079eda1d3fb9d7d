import { expect, test } from "vitest";
import { deviceName, NO_NAMES, parsePciIds, pciIdsVersion } from "../../../components/facts/pci-ids.ts";

const names = parsePciIds(`# a comment
10de  NVIDIA Corporation
\t1c81  GP107 [GeForce GTX 1050]
\t\t10de 11c0  GP107 [GeForce GTX 1050]
\t0fb9  GP107GL High Definition Audio Controller
1002  Advanced Micro Devices, Inc. [AMD/ATI]
\t731f  Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT]
1a03  ASPEED Technology, Inc.
\t2000  ASPEED Graphics Family

C 03  Display controller
\t00  VGA compatible controller
\t\t00  VGA controller
C 06  Bridge
\t04  PCI bridge
\t\t00  Normal decode
`);

test.each([
  ["10de:1c81", "NVIDIA GeForce GTX 1050"],
  ["10de:0fb9", "NVIDIA GP107GL High Definition Audio Controller"],
  ["1002:731f", "AMD Radeon RX 5600 OEM/5600 XT / 5700/5700 XT"],
  ["1a03:2000", "ASPEED Graphics Family"],
  ["10de:ffff", "NVIDIA 10de:ffff"],
  ["abcd:0001", "abcd:0001"],
])("%s is %s", (id, name) => {
  expect(deviceName(names, id)).toBe(name);
});

test("classes are named without their programming interface", () => {
  expect(names.class("060400")).toBe("PCI bridge");
  expect(names.class("030000")).toBe("VGA compatible controller");
  expect(names.class("038000")).toBe("Display controller");
  expect(names.class("ff0000")).toBeUndefined();
});

test("a subsystem's line names no device", () => {
  expect(names.device("10de:10de")).toBeUndefined();
  expect(names.device("10de:11c0")).toBeUndefined();
});

test("without the list, ids stay and the makers of GPUs are known", () => {
  expect(deviceName(NO_NAMES, "10de:1c81")).toBe("NVIDIA 10de:1c81");
});

test("a list's version is its day; what is no list has none", () => {
  expect(pciIdsVersion("#\n#\tList of PCI IDs\n#\n#\tVersion: 2023.04.10\n#\tDate: x\n")).toBe("2023.04.10");
  expect(pciIdsVersion("0001  Version: 2023.04.10\n")).toBeUndefined();
});
