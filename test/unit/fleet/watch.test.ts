import { describe, expect, test } from "vitest";
import { NO_NAMES } from "../../../components/facts/pci-ids.ts";
import { renderWatch } from "../../../fleet/watch/render.ts";
import { answered, failed, startState, type WatchState } from "../../../fleet/watch/state.ts";
import { hostFacts } from "../../fixtures/hosts.ts";
import { address } from "../../fixtures/xeon.ts";

const saying = (lines: string[], bootId = "1"): ReturnType<typeof hostFacts> => {
  const facts = hostFacts("xeon-e5-v3");
  facts.survey.kernelLog = { boot: [], trouble: lines, complete: true };
  return { ...facts, bootId };
};
const draw = (state: WatchState): string => renderWatch(state, { names: NO_NAMES, paint: (_, text) => text });
const log = (state: WatchState): string[] =>
  state.log.map(({ line, old }) => `${old ? "old" : "new"} ${line}`);

describe("the kernel's log", () => {
  test("shows the last older lines, then each new line once", () => {
    let state = answered(startState(["a"]), "a", saying(["1", "2", "3", "4", "5"]));
    expect(log(state)).toEqual(["old 3", "old 4", "old 5"]);
    state = answered(state, "a", saying(["1", "2", "3", "4", "5"]));
    state = answered(state, "a", saying(["2", "3", "4", "5", "6", "7"]));
    expect(log(state).slice(3)).toEqual(["new 6", "new 7"]);
  });

  test("shows the same text again after a reboot", () => {
    const state = answered(answered(startState(["a"]), "a", saying(["x"])), "a", saying(["x"], "2"));
    expect(log(state)).toEqual(["old x", "new x"]);
  });

  test("stays bounded over days", () => {
    let state = startState(["a"]);
    for (let at = 0; at < 300; at += 1) state = answered(state, "a", saying([`line ${at}`]));
    expect(state.log).toHaveLength(200);
    expect(state.log.at(-1)?.line).toBe("line 299");
  });
});

describe("the table", () => {
  test("shows cards with driver, power, temperature and current holder", () => {
    const facts = hostFacts("eight-cards");
    facts.survey.temperatures = [{ address: address("1d:00.0"), celsius: 71 }];
    const lines = draw(answered(startState(["rack"]), "rack", facts)).split("\n");
    const row = lines.find((line) => line.includes("1d:00.0")) ?? "";
    expect(row.split(/ {2,}/)).toEqual(
      expect.arrayContaining(["rack", "1d:00.0", "vfio-pci", "D0", "71", "cloud-a"]),
    );
    expect(row).not.toContain("cloud-b");
  });

  test("names a host that does not answer, and keeps its last facts", () => {
    const gone = failed(answered(startState(["a", "b"]), "a", saying([])), "a", "the host\n    → is gone");
    const text = draw(gone);
    expect(text).toContain("a: the host → is gone");
    expect(text).toContain("03:00.0");
    expect(text).toContain("probing …");
    expect(draw(answered(gone, "a", saying([])))).not.toContain("is gone");
  });

  test("is cut in a small window, and the last line of a log stays", () => {
    let state = answered(startState(["rack", "a"]), "rack", hostFacts("eight-cards"));
    state = answered(state, "a", saying(Array.from({ length: 30 }, (_, at) => `AER: error ${at}`)));
    for (const rows of [10, 16, 24]) {
      const lines = renderWatch(state, {
        names: NO_NAMES,
        paint: (_, text) => text,
        rows,
        columns: 80,
      }).split("\n");
      expect(lines.length).toBeLessThanOrEqual(rows);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(lines[0]).toContain("Held by");
      expect(lines.at(-1)).toContain("AER: error 29");
      expect(lines.some((line) => line.endsWith("more; a larger window shows them"))).toBe(rows < 24);
    }
    expect(draw(state)).not.toContain("a larger window");
  });

  test("fits into 100 columns, and no host moves the cursor", () => {
    const text = draw(answered(startState(["a"]), "a", saying([`\u{1b}[2J AER: ${"x ".repeat(120)}`])));
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(text).not.toContain("\u{1b}");
  });
});
