import { basename } from "node:path";
import { expect, test } from "vitest";
import { judgeOptionRom } from "../../../components/option-rom/judge.ts";
import { parseOptionRom } from "../../../components/option-rom/parse.ts";
import { parsePciId } from "../../../components/facts/pci.ts";
import { COLUMNS, type Paint } from "../../../fleet/ground/terminal.ts";
import { formatReport } from "../../../fleet/rom/report.ts";
import {
  KIB,
  listIpxeRoms,
  listVgaBioses,
  makeContainer,
  makeEfi,
  makeNvidiaRom,
  makeRom,
  readBytes,
} from "../support/option-rom.ts";

const plain: Paint = (_, text) => text;

const report = (file: string, bytes: Uint8Array, paint: Paint = plain): string => {
  const parsed = parseOptionRom(bytes);
  const card = parsePciId("10de:1c81");
  const judgement = judgeOptionRom(parsed, { card });
  const sha256 = "0".repeat(64);
  return formatReport({ file, size: bytes.length, sha256, firmware: "ovmf", card, parsed, judgement }, paint);
};

const manyImages = makeRom(Array.from({ length: 100 }, () => makeEfi(512)));

test.each([
  ...[...listIpxeRoms(), ...listVgaBioses()].map((path): [string, Uint8Array] => [
    basename(path),
    readBytes(path),
  ]),
  ["nvidia.rom", makeNvidiaRom({ leading: makeContainer(0x9400, 3), size: 256 * KIB })],
  ["largest.rom", makeRom([makeEfi(512)], { trailing: new Uint8Array(16 * KIB * KIB - 512) })],
  ["many.rom", manyImages],
  ["none.rom", new Uint8Array(128 * KIB)],
])("the report on %s fits into 100 columns", (file, bytes) => {
  for (const line of report(file, bytes).split("\n")) expect(line.length).toBeLessThanOrEqual(COLUMNS);
});

test("thousands of images do not make thousands of lines", () => {
  const text = report("many.rom", manyImages);
  expect(text).toContain("… and 68 more");
  expect(text.split("\n").length).toBeLessThan(150);
});

test("severities have their colours", () => {
  const tagged: Paint = (style, text) => `<${style}>${text}</>`;
  const text = report(
    "nvidia.rom",
    makeNvidiaRom({ leading: makeContainer(0x600, 2), size: 256 * KIB }),
    tagged,
  );
  expect(text).toContain("<green>ok      </> efi");
  expect(text).toContain("<red>error   </> container");
  expect(text).toContain("<dim>note    </> trailing");
  expect(text).toMatch(/<yellow>Usable for an OVMF guest with card 10de:1c81 once it is patched/);
});
