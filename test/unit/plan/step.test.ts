import { expect, test } from "vitest";
import { fileStep, receiptName, tokenFor } from "../../../components/plan/step.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

const run = "2026-01-02T03:04:05.000Z,op@desk,4711,test,3";
const file = {
  path: "/etc/modprobe.d/vfio.conf",
  mode: "644",
  content: "options vfio-pci disable_vga=1\n",
} as const;
const there = (content: string, sha256: string, mode = "644") => ({
  [file.path]: { content, sha256, mode, owner: "root", group: "root" },
});
const receipt = { [receiptName(file.path)]: { token: "before", notes: { sha256: "aa" } } };

test("the first time: a new token, no drift", () => {
  const step = fileStep(xeonFacts(), file);
  expect(step).toMatchObject({ inPlace: false, undo: ["unfile", file.path] });
  expect(step.drift).toBeUndefined();
  expect(tokenFor(xeonFacts(), step, run)).toBe(run);
});

test("settled: the receipt's token, so the engine sees no change", () => {
  const facts = xeonFacts({ files: there(file.content, "aa"), receipts: receipt });
  const step = fileStep(facts, file);
  expect(step.inPlace).toBe(true);
  expect(tokenFor(facts, step, run)).toBe("before");
});

test("edited on the host: a new token and the drift", () => {
  const facts = xeonFacts({ files: there(`${file.content}x`, "bb"), receipts: receipt });
  const step = fileStep(facts, file);
  expect(step.drift).toEqual({
    kind: "file",
    path: file.path,
    found: `${file.content}x`,
    wanted: file.content,
  });
  expect(tokenFor(facts, step, run)).toBe(run);
});

test("deleted on the host: drift with nothing found", () => {
  const facts = xeonFacts({ receipts: receipt });
  expect(fileStep(facts, file).drift).toMatchObject({ found: undefined });
});

test("another mode is not settled", () => {
  expect(
    fileStep(xeonFacts({ files: there(file.content, "aa", "600"), receipts: receipt }), file).inPlace,
  ).toBe(false);
});

test("settled, but without a receipt: called once more, to write it again", () => {
  const facts = xeonFacts({ files: there(file.content, "aa") });
  const step = fileStep(facts, file);
  expect(step.inPlace).toBe(true);
  expect(tokenFor(facts, step, run)).toBe(run);
});
