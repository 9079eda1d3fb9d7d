/** `npm run bench:option-roms`: parses and judges 1,000 ROM files of 128 KiB, beside a SHA-256 of the same bytes. */
import { createHash } from "node:crypto";
import { judgeOptionRom } from "../components/option-rom/judge.ts";
import { parseOptionRom } from "../components/option-rom/parse.ts";
import { KIB, makeEfi, makeRom, makeX86 } from "../test/unit/support/option-rom.ts";

const FILES = 1000;
const roms = Array.from({ length: FILES }, (_, index) => {
  const rom = Uint8Array.from(makeRom([makeX86(60 * KIB), makeEfi(68 * KIB, { last: true })]));
  // Every file is different; the changed byte is outside the checksum.
  rom[rom.length - 1] = index & 0xff;
  return rom;
});
const seconds = (work: () => void): number => {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
};
const usable = { count: 0 };
const parsing = seconds(() => {
  for (const rom of roms) if (judgeOptionRom(parseOptionRom(rom)).verdict === "usable") usable.count++;
});
const digests = seconds(() => {
  for (const rom of roms) createHash("sha256").update(rom).digest();
});
if (usable.count !== FILES) throw new Error(`${usable.count} of ${FILES} were found usable`);
console.log(`parse and judge ${parsing.toFixed(2)} s, SHA-256 ${digests.toFixed(2)} s`);
