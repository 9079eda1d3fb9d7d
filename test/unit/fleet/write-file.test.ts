import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { replaceFile, writeNewFile } from "../../../fleet/ground/write-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vfio-fleet-write-file-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a new file is written, and an old one replaced with its mode", () => {
  const file = join(folder, "a");
  writeNewFile(file, "first");
  expect(readFileSync(file, "utf8")).toBe("first");
  replaceFile(file, new TextEncoder().encode("second"), 0o600);
  expect(readFileSync(file, "utf8")).toBe("second");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["a"]);
});

test("no new file takes a name that is there, were it a link that leads nowhere", () => {
  symlinkSync("nowhere", join(folder, "link"));
  expect(() => writeNewFile(join(folder, "link"), "x")).toThrow(
    `cannot write ${folder}/link: the file exists already, and is not overwritten`,
  );
  expect(readdirSync(folder)).toEqual(["link"]);
});

test("what cannot get its name leaves nothing behind", () => {
  mkdirSync(join(folder, "a"));
  expect(() => replaceFile(join(folder, "a"), "x")).toThrow(/cannot write .*\/a: it is a folder$/);
  expect(readdirSync(folder)).toEqual(["a"]);
});
